import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

// A user-mode network accepts for the guest before the guest listens, so only a byte counts. What makes a server answer:
const OPENINGS: readonly Buffer[] = [
  Buffer.alloc(0), // SSH, MySQL, SMTP speak first
  Buffer.from('0000000804d2162f', 'hex'), // PostgreSQL: SSLRequest
  Buffer.from('GET / HTTP/1.0\r\n\r\n'), // HTTP; Redis and others answer with an error
];
const ANSWER_LIMIT_MS = 1_000;
const PAUSE_MS = 100;

/** Resolves with the port that was first to send a byte. Rejects when the signal is aborted. */
export async function waitForAnswer(ports: readonly number[], signal: AbortSignal): Promise<number> {
  const found = new AbortController();
  const either = AbortSignal.any([signal, found.signal]);
  try {
    return await Promise.any(ports.map((port) => untilAnswered(port, either)));
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    found.abort();
  }
}

async function untilAnswered(port: number, signal: AbortSignal): Promise<number> {
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    if (await answers(port, OPENINGS[attempt % OPENINGS.length] ?? Buffer.alloc(0), signal)) return port;
    await sleep(PAUSE_MS, undefined, { signal });
  }
}

function answers(port: number, opening: Buffer, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({
      port,
      host: '127.0.0.1',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_LIMIT_MS)]),
    });
    socket.on('connect', () => socket.write(opening));
    socket.on('data', () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => resolve(false));
  });
}
