import { once } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { systemCode } from '../../errors.ts';

/** The right to write into a file, which one writer of this machine has at a time. */
export interface WriteClaim {
  release(): void;
}

/** A claim, or what is known of whoever has it, such as `another process (pid 4711)`. */
export async function claimWriting(file: FileHandle): Promise<WriteClaim | string> {
  const { dev, ino } = await file.stat({ bigint: true });
  // A name of Linux's abstract namespace (unix(7)): one listener each, and the kernel frees it with the process, however
  // that ends. A lock file would outlive a kill, and two that find it stale cannot tell who may take it over.
  const name = `\0understudy-image-${dev}-${ino}`;
  const server = createServer((asker) => asker.on('error', () => {}).end(String(process.pid)));
  try {
    await once(server.listen(name), 'listening');
  } catch (error) {
    if (systemCode(error) === 'EADDRINUSE') return describeHolder(name);
    // No such names here: another system than Linux, or a sandbox without sockets. Two writers are then found out when
    // the second one publishes.
    return { release() {} };
  }
  server.unref();
  return { release: () => void server.close() };
}

/** A writer answers at once, unless it is stopped (SIGSTOP); the pid is worth no longer wait. */
const ANSWER_LIMIT_MS = 1_000;

async function describeHolder(name: string): Promise<string> {
  const socket = connect(name);
  try {
    const [answer] = await once(socket, 'data', { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
    const [pid] = /^\d+$/.exec(String(answer)) ?? [];
    return pid === undefined ? 'another process' : `another process (pid ${pid})`;
  } catch {
    return 'another process'; // it ended meanwhile or is stopped
  } finally {
    socket.destroy();
  }
}
