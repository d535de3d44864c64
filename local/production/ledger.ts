import { once } from 'node:events';
import { appendFile, readFile, truncate } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { z } from 'zod';

/** What a machine posts every second; short on purpose, since anybody inside a machine can post. */
const Post = z.object({
  bootId: z.string().max(64),
  instanceId: z.string().max(64),
  seq: z.int().nonnegative(),
});

const Entry = z.object({
  ...Post.shape,
  receivedAt: z.number(),
  /** A contact that was no valid post: counted all the same, since it came from outside this host's own processes. */
  malformed: z.string().optional(),
});
export type LedgerEntry = z.infer<typeof Entry>;

/** All contacts of one boot of one instance. */
export interface LedgerContact {
  readonly bootId: string;
  readonly instanceId: string;
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
}

export interface Ledger {
  readonly port: number;
  readonly url: string;
  contacts(): readonly LedgerContact[];
  stop(): Promise<void>;
}

/** A post has about 110 bytes; more than this is cut off. */
const MAX_BODY_BYTES = 4096;
/** A post is one small packet. */
const REQUEST_LIMIT_MS = 5000;
/** A machine posts every second into one connection; on a starved host seconds may lie between two posts. */
const SILENCE_LIMIT_MS = 60_000;

/**
 * The outside world in one file: who could reach it, and when. Appends every post as a JSON line and starts again from
 * its file, so that a restart loses nothing. A post is answered only after its line has been written.
 */
export async function startLedger({ port, file }: { readonly port: number; readonly file: string }): Promise<Ledger> {
  const groups = new Map<string, LedgerContact>();
  for (const entry of await readEntries(file)) count(groups, entry);
  let lines = Promise.resolve();
  const server = createServer((request, response) => {
    receive(request, response, (entry) => {
      count(groups, entry);
      lines = lines.catch(() => {}).then(() => appendFile(file, `${JSON.stringify(entry)}\n`));
      return lines;
    }).catch(() => response.destroy());
  });
  server.requestTimeout = REQUEST_LIMIT_MS;
  server.keepAliveTimeout = SILENCE_LIMIT_MS;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the ledger has no port');
  return {
    port: address.port,
    url: `http://127.0.0.1:${address.port}/ledger`,
    contacts: () => [...groups.values()],
    async stop() {
      server.close();
      server.closeAllConnections();
      await lines;
    },
  };
}

async function receive(
  request: IncomingMessage,
  response: ServerResponse,
  record: (entry: LedgerEntry) => Promise<void>,
) {
  const receivedAt = Date.now();
  const body = await readBody(request);
  const post = request.method === 'POST' && request.url === '/ledger' ? parsePost(body) : undefined;
  if (post) await record({ ...post, receivedAt });
  else {
    const malformed = `${request.method} ${request.url} ${body}`.slice(0, 200);
    await record({ bootId: '', instanceId: '', seq: 0, receivedAt, malformed });
  }
  response.writeHead(post ? 201 : 400, { 'content-type': 'text/plain' }).end(post ? 'ok\n' : 'no\n');
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return '(too long)';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsePost(body: string): z.infer<typeof Post> | undefined {
  try {
    return Post.parse(JSON.parse(body));
  } catch {
    return undefined;
  }
}

function count(groups: Map<string, LedgerContact>, { bootId, instanceId, seq, receivedAt }: LedgerEntry): void {
  const key = JSON.stringify([bootId, instanceId]);
  const { count: before = 0, firstAt = receivedAt, firstSeq = seq } = groups.get(key) ?? {};
  groups.set(key, { bootId, instanceId, count: before + 1, firstAt, lastAt: receivedAt, firstSeq, lastSeq: seq });
}

/** Reads what is there; a last line that a kill cut short is taken off, so that the next one does not join it. */
async function readEntries(file: string): Promise<LedgerEntry[]> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  });
  const wholeBytes = bytes.lastIndexOf(0x0a) + 1;
  if (wholeBytes < bytes.length) await truncate(file, wholeBytes);
  const lines = bytes.toString('utf8', 0, wholeBytes).split('\n').slice(0, -1);
  return lines.map((line, index) => {
    try {
      return Entry.parse(JSON.parse(line));
    } catch (cause) {
      throw new Error(`${file}: line ${index + 1} is not a ledger entry: ${line.slice(0, 200)}`, { cause });
    }
  });
}
