import type { NbdRequest } from './decode.ts';
import { encodeDataHead, encodeDone, encodeError, encodeHole, encodeSimpleReply } from './encode.ts';
import { ERROR } from './protocol.ts';
import type { Serving } from './transmission.ts';

// Chunks of one answer leave as they come; larger ones would keep the client waiting for the first byte.
const BLOCKS_PER_CHUNK = 4;

interface Range {
  readonly offset: number;
  readonly length: number;
}

/** A structured reply: holes cost nothing, and an error stands for the damaged block alone. */
export async function readInChunks(serving: Serving, { cookie, offset, length }: NbdRequest): Promise<void> {
  const { connection, session } = serving;
  const { source } = session.chosen;
  let at = offset;
  // A damaged map of holes shows again, with its place, where the data behind it is read.
  const stretches = await source
    .stretches(offset, length, connection.signal)
    .catch(() => [{ bytes: length, hole: false }]);
  for (const { bytes, hole } of stretches) {
    if (hole) await connection.write(encodeHole(cookie, { offset: at, length: bytes }));
    else await sendData(serving, cookie, { offset: at, length: bytes });
    at += bytes;
  }
  await connection.write(encodeDone(cookie));
}

async function sendData(serving: Serving, cookie: bigint, range: Range): Promise<void> {
  const { connection, session } = serving;
  const { blockBytes } = session.chosen.source;
  for (const piece of piecesOf(range, blockBytes * BLOCKS_PER_CHUNK)) {
    const found = await tryToRead(serving, piece);
    if ('data' in found) await connection.write(encodeDataHead(cookie, piece), found.data);
    else for (const block of piecesOf(piece, blockBytes)) await sendBlock(serving, cookie, block);
  }
}

async function sendBlock(serving: Serving, cookie: bigint, block: Range): Promise<void> {
  const { connection } = serving;
  const found = await tryToRead(serving, block);
  if ('data' in found) return connection.write(encodeDataHead(cookie, block), found.data);
  report(serving, block, found.error);
  const message = found.error instanceof Error ? found.error.message : String(found.error);
  await connection.write(encodeError(cookie, { error: ERROR.io, message, offset: block.offset }));
}

/** A simple reply: its error comes before the data, so all of it must have been read, and stands for the whole request. */
export async function readWhole(serving: Serving, { cookie, offset, length }: NbdRequest): Promise<void> {
  const { connection } = serving;
  const found = await tryToRead(serving, { offset, length });
  if ('data' in found) return connection.write(encodeSimpleReply(cookie, 0), found.data);
  report(serving, { offset, length }, found.error);
  await connection.write(encodeSimpleReply(cookie, ERROR.io));
}

type Found = { readonly data: Uint8Array } | { readonly error: unknown };

async function tryToRead({ connection, session }: Serving, { offset, length }: Range): Promise<Found> {
  try {
    return { data: await session.chosen.source.readAt(offset, length, connection.signal) };
  } catch (error) {
    connection.signal.throwIfAborted();
    return { error };
  }
}

function report({ session, onProblem }: Serving, { offset, length }: Range, error: unknown): void {
  onProblem({ exportName: session.chosen.name, offset, bytes: length, error });
}

/** Cut where multiples of `step` lie. */
function* piecesOf({ offset, length }: Range, step: number): Iterable<Range> {
  for (let at = offset; at < offset + length; ) {
    const end = Math.min(offset + length, (Math.floor(at / step) + 1) * step);
    yield { offset: at, length: end - at };
    at = end;
  }
}
