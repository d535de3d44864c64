import { FormatError } from '../errors.ts';
import { ByteBudget } from './byte-budget.ts';
import type { Connection } from './connection.ts';
import { decodeRequest, type NbdRequest, REQUEST_BYTES } from './decode.ts';
import { encodeBlockStatus, encodeDone, encodeError, encodeSimpleReply } from './encode.ts';
import type { Session } from './handshake.ts';
import type { NbdProblem } from './nbd-export.ts';
import { COMMAND, ERROR, FLAG_ONE, MAX_PAYLOAD_BYTES, type NbdError } from './protocol.ts';
import { readInChunks, readWhole } from './read-reply.ts';

// One client's answers in memory at once, whatever it asks for.
const BYTES_AT_ONCE = MAX_PAYLOAD_BYTES;
// libnbd keeps 64 requests open, QEMU 16; more would wait in the budget anyway.
const REQUESTS_AT_ONCE = 64;
// A request without data in its answer still costs its place.
const SMALLEST_COST_BYTES = BYTES_AT_ONCE / REQUESTS_AT_ONCE;
// A writer that was told READ_ONLY and sends more than it may is no client.
const LARGEST_DROPPED_WRITE_BYTES = 2 * MAX_PAYLOAD_BYTES;

export interface Serving {
  readonly connection: Connection;
  readonly session: Session;
  readonly onProblem: (problem: NbdProblem) => void;
}

/** Answers a client's requests, side by side, until it leaves. FormatError for what is no request. */
export async function serveRequests(serving: Serving): Promise<void> {
  const { connection } = serving;
  const budget = new ByteBudget(BYTES_AT_ONCE);
  const underWay = new Set<Promise<void>>();
  let failure: unknown;
  try {
    for (;;) {
      const head = await connection.find(REQUEST_BYTES);
      if (!head) return;
      const request = decodeRequest(head);
      if (request.command === COMMAND.disconnect) return;
      if (request.command === COMMAND.write) await dropWritten(connection, request);
      const cost = Math.max(SMALLEST_COST_BYTES, Math.min(request.length, BYTES_AT_ONCE));
      // Waiting here keeps the client's next request in its socket.
      const started = Promise.withResolvers<void>();
      const answered = budget
        .spend(cost, async () => {
          started.resolve();
          await answer(serving, request);
        })
        .catch((error: unknown) => {
          failure ??= error;
        })
        .finally(() => underWay.delete(answered));
      underWay.add(answered);
      await started.promise;
      if (failure !== undefined) throw failure;
    }
  } finally {
    await Promise.all(underWay);
  }
}

async function dropWritten(connection: Connection, { length }: NbdRequest): Promise<void> {
  if (length > LARGEST_DROPPED_WRITE_BYTES) throw new FormatError(`the client writes ${length} bytes at once`);
  await connection.drop(length);
}

async function answer(serving: Serving, request: NbdRequest): Promise<void> {
  const refusal = refusalOf(serving.session, request);
  if (refusal) return refuse(serving, request, refusal);
  switch (request.command) {
    case COMMAND.read:
      return serving.session.structuredReplies ? readInChunks(serving, request) : readWhole(serving, request);
    case COMMAND.blockStatus:
      return tellStretches(serving, request);
    default: // flush: there is nothing to flush
      return succeed(serving, request);
  }
}

interface Refusal {
  readonly error: NbdError;
  readonly message: string;
}

function refusalOf({ chosen, allocation }: Session, { command, flags, offset, length }: NbdRequest) {
  const refused = (error: NbdError, message: string): Refusal => ({ error, message });
  switch (command) {
    case COMMAND.write:
    case COMMAND.trim:
    case COMMAND.writeZeroes:
      return refused(ERROR.notPermitted, 'a recovery point cannot be written to');
    case COMMAND.flush:
      return flags === 0 ? undefined : refused(ERROR.invalid, 'unknown flags');
    case COMMAND.read:
      if (flags !== 0) return refused(ERROR.invalid, 'unknown flags');
      if (length > MAX_PAYLOAD_BYTES) return refused(ERROR.invalid, `more than ${MAX_PAYLOAD_BYTES} bytes at once`);
      break;
    case COMMAND.blockStatus:
      if ((flags & ~FLAG_ONE) !== 0) return refused(ERROR.invalid, 'unknown flags');
      if (!allocation || length === 0)
        return refused(ERROR.invalid, 'no context was selected, or no bytes asked about');
      break;
    default:
      return refused(ERROR.invalid, 'unknown command');
  }
  const { bytes } = chosen.source;
  return offset + length > bytes ? refused(ERROR.invalid, `beyond the end of ${bytes} bytes`) : undefined;
}

/** Only reads and block status must be answered in the structured way; the simple one is always understood elsewhere. */
async function refuse({ connection, session }: Serving, { command, cookie }: NbdRequest, refusal: Refusal) {
  const structured = session.structuredReplies && (command === COMMAND.read || command === COMMAND.blockStatus);
  await connection.write(structured ? encodeError(cookie, refusal) : encodeSimpleReply(cookie, refusal.error));
}

async function succeed({ connection, session }: Serving, { cookie }: NbdRequest): Promise<void> {
  await connection.write(session.structuredReplies ? encodeDone(cookie) : encodeSimpleReply(cookie, 0));
}

async function tellStretches({ connection, session }: Serving, { cookie, flags, offset, length }: NbdRequest) {
  const { source } = session.chosen;
  // Where the map of holes is damaged everything counts as data, as the protocol allows; a read then says what is wrong.
  const found = await source.stretches(offset, length, connection.signal).catch((error: unknown) => {
    connection.signal.throwIfAborted();
    if (error instanceof RangeError) throw error;
    return [{ bytes: length, hole: false }];
  });
  await connection.write(encodeBlockStatus(cookie, (flags & FLAG_ONE) === 0 ? found : found.slice(0, 1)));
}
