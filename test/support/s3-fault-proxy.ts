import { createServer, request as forward, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { S3Server } from '../../local/servers/s3.ts';

/** What a bad S3 server does. Requests pass unchanged, since they are signed; replies tell lies. */
export type S3Fault =
  | 'ignores-conditions'
  | 'drops-checksums'
  | 'takes-wrong-checksums'
  | 'wrong-date'
  | 'forgets-locks'
  | 'wordless-about-locks'
  | 'loses-objects-in-listings'
  | 'ignores-ranges';

export interface FaultProxy {
  readonly endpoint: string;
  readonly faults: Set<S3Fault>;
  close(): Promise<void>;
}

/** Stands between the product and a real server on a free loopback port. */
export async function startFaultProxy(server: S3Server): Promise<FaultProxy> {
  const faults = new Set<S3Fault>();
  const { endpoint, region, root } = server;
  const owner = new S3Client({ endpoint, region, credentials: { ...root }, forcePathStyle: true });
  const proxy = createServer((incoming, reply) => {
    relay({ incoming, reply, upstream: new URL(endpoint), faults, owner }).catch(() => reply.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return { endpoint: `http://127.0.0.1:${portOf(proxy)}`, faults, close: () => closeAll(proxy, owner) };
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly reply: ServerResponse;
  readonly upstream: URL;
  readonly faults: ReadonlySet<S3Fault>;
  readonly owner: S3Client;
}

interface Answer {
  status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

async function relay(exchange: Exchange): Promise<void> {
  const { incoming, reply } = exchange;
  const sent = await bytesOf(incoming);
  const answer = await ask(exchange, sent);
  await lie(exchange, sent, answer);
  answer.headers['content-length'] =
    incoming.method === 'HEAD' ? answer.headers['content-length'] : `${answer.body.length}`;
  delete answer.headers['transfer-encoding'];
  reply.writeHead(answer.status, answer.headers);
  reply.end(answer.body);
}

function ask({ incoming, upstream }: Exchange, sent: Buffer): Promise<Answer> {
  const { method = 'GET', url = '/', headers } = incoming;
  return new Promise((resolve, reject) => {
    const passed = forward({ host: upstream.hostname, port: upstream.port, method, path: url, headers }, (answer) => {
      bytesOf(answer).then(
        (body) => resolve({ status: answer.statusCode ?? 500, headers: { ...answer.headers }, body }),
        reject,
      );
    });
    passed.once('error', reject);
    passed.end(sent);
  });
}

async function lie({ incoming, faults, owner }: Exchange, sent: Buffer, answer: Answer): Promise<void> {
  const { method, url = '' } = incoming;
  if (faults.has('wrong-date')) answer.headers.date = new Date(Date.now() - 3_600_000).toUTCString();
  if (faults.has('drops-checksums')) delete answer.headers['x-amz-checksum-sha256'];
  if (faults.has('ignores-conditions') && method === 'PUT' && answer.status === 412) {
    const [, Bucket = '', ...key] = new URL(url, 'http://x').pathname.split('/').map(decodeURIComponent);
    await owner.send(new PutObjectCommand({ Bucket, Key: key.join('/'), Body: sent }));
    succeed(answer);
  }
  if (faults.has('takes-wrong-checksums') && method === 'PUT' && answer.status === 400) succeed(answer);
  if (faults.has('forgets-locks') && method === 'DELETE' && answer.status === 403) succeed(answer);
  if (faults.has('wordless-about-locks') && incoming.headers['x-amz-object-lock-mode'] && answer.status === 400) {
    answer.body = Buffer.from('<Error><Code>InvalidRequest</Code></Error>');
  }
  if (faults.has('ignores-ranges') && answer.status === 206) {
    answer.status = 200;
    answer.body = Buffer.from('0123456789');
  }
  if (faults.has('loses-objects-in-listings') && url.includes('list-type=2')) {
    answer.body = Buffer.from(answer.body.toString().replace(/<Contents>.*?<\/Contents>/s, ''));
  }
}

function succeed(answer: Answer): void {
  answer.status = 200;
  answer.body = Buffer.alloc(0);
}

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return address.port;
}

async function closeAll(proxy: Server, owner: S3Client): Promise<void> {
  owner.destroy();
  proxy.closeAllConnections();
  await new Promise((resolve) => proxy.close(resolve));
}
