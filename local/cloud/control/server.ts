import { hash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { Denials, readDenials, writeDenials } from '../denials.ts';
import { takeImage } from '../ebs/upload.ts';
import { BLOCK_BYTES } from '../storage/bitmap.ts';
import { consoleFile, LEDGER_PORT_FILE } from '../storage/layout.ts';

/** What a machine or volume of another kind would show. The machine itself stays what it is. */
const InstanceFacts = z.strictObject({
  productCodes: z.array(z.string()).optional(),
  platform: z.literal('windows').optional(),
  hibernation: z.boolean().optional(),
});
const VolumeFacts = z.strictObject({ multiAttach: z.boolean().optional() });
const Ledger = z.strictObject({ port: z.int().min(1).max(65_535) });

interface Route {
  readonly method: string;
  readonly path: RegExp;
  act(cloud: Cloud, request: Asked): Promise<unknown> | unknown;
}

interface Asked {
  readonly id: string;
  readonly query: URLSearchParams;
  readonly body: string;
  readonly response: ServerResponse;
}

const ROUTES: readonly Route[] = [
  { method: 'GET', path: /^\/v1\/calls$/, act: writeCalls },
  { method: 'GET', path: /^\/v1\/block-counts$/, act: (cloud) => cloud.calls.blockCounts() },
  { method: 'GET', path: /^\/v1\/snapshots\/(snap-[0-9a-f]+)\/digests$/, act: digestBlocks },
  { method: 'PUT', path: /^\/v1\/snapshots\/(snap-[0-9a-f]+)\/image$/, act: giveImage },
  { method: 'GET', path: /^\/v1\/denials$/, act: (cloud) => readDenials(cloud.store) },
  {
    method: 'PUT',
    path: /^\/v1\/denials$/,
    act: (cloud, { body }) => {
      writeDenials(cloud.store, Denials.parse(JSON.parse(body)));
      return readDenials(cloud.store);
    },
  },
  {
    method: 'PUT',
    path: /^\/v1\/ledger$/,
    act: (_cloud, { body }) => setLedgerPort(Ledger.parse(JSON.parse(body)).port),
  },
  { method: 'GET', path: /^\/v1\/instances\/(i-[0-9a-f]+)$/, act: (cloud, { id }) => describeMachine(cloud, id) },
  { method: 'PUT', path: /^\/v1\/instances\/(i-[0-9a-f]+)\/facts$/, act: setInstanceFacts },
  { method: 'PUT', path: /^\/v1\/volumes\/(vol-[0-9a-f]+)\/facts$/, act: setVolumeFacts },
  {
    method: 'POST',
    path: /^\/v1\/instances\/(i-[0-9a-f]+)\/power-cut$/,
    act: async (cloud, { id }) => {
      if (cloud.db.instances.get(id) === undefined) return undefined;
      await cloud.machines.powerCut(id);
      return { powerCut: id };
    },
  },
];

/** What the cloud's owner may see and do behind AWS's back: for the demo and the tests, never for the product. */
export function createControlServer(cloud: Cloud): Server {
  return createServer((request, response) => {
    void serve(cloud, request, response).catch((error: unknown) => {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(`${JSON.stringify({ error: String(error) })}\n`);
    });
  });
}

async function serve(cloud: Cloud, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://local');
  const route = ROUTES.find(({ method, path }) => method === request.method && path.test(pathname));
  const id = route?.path.exec(pathname)?.[1] ?? '';
  const answer = await route?.act(cloud, { id, query: searchParams, body, response });
  if (response.writableEnded) return;
  response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(answer ?? { error: `nothing at ${request.method} ${pathname}` })}\n`);
}

/** JSON lines; `?since=<seq>` leaves out what was seen. */
function writeCalls(cloud: Cloud, { query, response }: Asked): true {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  for (const call of cloud.calls.since(Number(query.get('since') ?? 0))) response.write(`${JSON.stringify(call)}\n`);
  response.end();
  return true;
}

const Blocks = z.object({ from: z.coerce.number().int().nonnegative(), to: z.coerce.number().int().nonnegative() });

/** SHA-256 in hex of blocks `from` … `to - 1`, as they lie on the disk now: zeros where none was written. Not counted. */
async function digestBlocks(cloud: Cloud, { id, query }: Asked): Promise<readonly string[] | undefined> {
  const { from, to } = Blocks.parse(Object.fromEntries(query));
  const snapshot = cloud.db.snapshots.get(id);
  if (snapshot === undefined || snapshot.state !== 'completed') return undefined;
  const room = Buffer.allocUnsafe(BLOCK_BYTES);
  const digests: string[] = [];
  for (let block = from; block < to; block++) {
    digests.push(hash('sha256', await cloud.snapshots.blocks.read(snapshot, block, room)));
  }
  return digests;
}

/** A raw image on this host becomes the content of an open upload: signed by nobody and not counted. */
async function giveImage(cloud: Cloud, { id, body }: Asked): Promise<object> {
  const { file } = z.strictObject({ file: z.string() }).parse(JSON.parse(body));
  return { blocks: await takeImage(cloud, id, file) };
}

/** Machines read the file at each connection, so running ones follow too. */
export function setLedgerPort(port: number): { port: number } {
  writeFileSync(LEDGER_PORT_FILE, `${port}\n`);
  return { port };
}

function setInstanceFacts({ db }: Cloud, { id, body }: Asked): object | undefined {
  if (db.instances.get(id) === undefined) return undefined;
  const facts = InstanceFacts.parse(JSON.parse(body));
  const known = Object.entries(facts).filter(([, value]) => value !== undefined);
  db.instances.update(id, Object.fromEntries(known));
  return facts;
}

function setVolumeFacts({ db }: Cloud, { id, body }: Asked): object | undefined {
  if (db.volumes.get(id) === undefined) return undefined;
  const { multiAttach = false } = VolumeFacts.parse(JSON.parse(body));
  db.volumes.update(id, { multiAttach });
  return { multiAttach };
}

function describeMachine({ db, stateDir }: Cloud, id: string): object | undefined {
  const instance = db.instances.get(id);
  if (instance === undefined) return undefined;
  return {
    instanceId: id,
    state: instance.state,
    stateReason: instance.stateReason?.code ?? null,
    pid: instance.process?.pid ?? null,
    ports: instance.ports,
    privateIp: instance.privateIp,
    serialFile: consoleFile(stateDir, id),
  };
}
