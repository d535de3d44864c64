import { spawn } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { systemCode } from '../../errors.ts';
import type { ByteString } from '../tree/file-tree.ts';

/**
 * Sets extended attributes of an open file or folder, by setfattr(1) since Node has no call for it; it comes with
 * packages called attr. Resolves with what could not be set and why, undefined when all are. Rejects when aborted.
 */
export async function setAttributes(
  handle: FileHandle,
  attributes: ReadonlyMap<ByteString, Uint8Array>,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (attributes.size === 0) return undefined;
  // As `getfattr --dump` writes it. The open file itself is named, so whatever stands at its path by now is left alone.
  const lines = [...attributes].map(([name, value]) => `${escaped(name)}=0s${Buffer.from(value).toString('base64')}`);
  const dump = `# file: /proc/${process.pid}/fd/${handle.fd}\n${lines.join('\n')}\n\n`;
  const why = await setfattr(Buffer.from(dump, 'latin1'), signal);
  return why === undefined ? undefined : `extended attributes are not set (${why}); --tar holds them`;
}

/** `=` ends a name, a backslash begins an octal number. */
function escaped(name: ByteString): string {
  return name.replaceAll(/[=\\\n\r]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

async function setfattr(dump: Buffer, signal: AbortSignal): Promise<string | undefined> {
  const child = spawn('setfattr', ['--restore=-'], {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    signal,
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  child.stdin.on('error', () => {}); // it ended before it had read all, and says why
  child.stdin.end(dump);
  try {
    const [status, said] = await Promise.all([ended, text(child.stderr)]);
    // `setfattr: <file>: <reason>`, a line for each attribute.
    return status === 0 ? undefined : (/: ([^:\n]+)\n*$/.exec(said)?.[1] ?? `setfattr ended with ${status}`);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 'there is no setfattr: install the package attr';
    throw error;
  }
}
