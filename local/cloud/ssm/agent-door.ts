import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cloud } from '../cloud.ts';
import type { CommandRecord, InvocationRecord } from '../records.ts';
import { ssmPortFile } from '../storage/layout.ts';
import { allCommands, putInvocation } from './commands.ts';
import { type Ending, end, start } from './invocation.ts';
import { hearAgent } from './nodes.ts';
import { reachesSystemsManager } from './reach.ts';

/** An agent's question is held open for so long, so that it need not ask every second. */
const HOLD_MS = 20_000;
const LOOK_MS = 100;
/** Four bytes for each character that is kept, and what is cut off anyway: the rest is not read. */
const MAX_OUTPUT_BYTES = 262_144;

/**
 * What the agent of one machine talks to, on a port of its own that only its relay connects to: that is how it is known.
 * Not AWS's message protocol, which needs the role's credentials and TLS, but its promises: a command is handed out until
 * one boot has claimed it, and to nobody after that.
 *
 *   GET  /poll?boot=B           "run ID SECONDS", then the script; "cancel ID"; or "none" after a while
 *   POST /start/ID?boot=B       "go", or "no": then it must not run
 *   POST /output/ID, /error/ID  what it printed
 *   POST /end/ID?boot=B&how=exited|timed-out|cancelled&code=N
 */
export function serveAgent(cloud: Cloud, instanceId: string): Server {
  const printed = new Map<string, { output: string; error: string }>();
  const server = createServer((request, response) => {
    void answer({ cloud, instanceId, printed }, request)
      .catch((error: unknown) => {
        process.stderr.write(`local cloud: the agent of ${instanceId}: ${String(error)}\n`);
        return undefined;
      })
      .then((text) => {
        if (text === undefined) return request.socket.destroy();
        response.writeHead(200, { 'content-type': 'text/plain', connection: 'close' });
        return response.end(text);
      });
  });
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (typeof address === 'object' && address !== null) writeFileSync(ssmPortFile(instanceId), `${address.port}\n`);
  });
  server.unref();
  return server;
}

interface Door {
  readonly cloud: Cloud;
  readonly instanceId: string;
  /** What commands printed, until they end: an agent that dies in between prints it again or never. */
  readonly printed: Map<string, { output: string; error: string }>;
}

/** Undefined: no answer at all, as from an endpoint that the network does not let this machine reach. */
async function answer(door: Door, request: IncomingMessage): Promise<string | undefined> {
  const { cloud, instanceId } = door;
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://agent');
  const instance = cloud.db.instances.get(instanceId);
  if (instance === undefined || !reachesSystemsManager(cloud, instance)) return undefined;
  const boot = searchParams.get('boot') ?? '';
  const [, verb = '', id = ''] = pathname.split('/');
  if (verb === 'poll') {
    hearAgent(cloud, instanceId, boot);
    return nextFor(door, boot, request);
  }
  const invocation = findInvocation(door, id);
  if (invocation === undefined) return 'no';
  if (verb === 'start') {
    const started = start(invocation, boot, cloud.now());
    if (started === 'no') return 'no';
    if (started !== invocation) cloud.calls.recordCommand('ssm-start', instanceId);
    putInvocation(cloud, id, started);
    return 'go';
  }
  const text = await readText(request);
  const so = door.printed.get(id) ?? { output: '', error: '' };
  if (verb === 'output' || verb === 'error') door.printed.set(id, { ...so, [verb]: text });
  if (verb === 'end') {
    const how = searchParams.get('how') as Ending['how'];
    const ending = { how, code: Number(searchParams.get('code') ?? -1), ...so };
    putInvocation(cloud, id, end(invocation, boot, ending, cloud.now()));
    door.printed.delete(id);
  }
  return 'ok';
}

async function nextFor(door: Door, boot: string, request: IncomingMessage): Promise<string> {
  const until = Date.now() + HOLD_MS;
  while (Date.now() < until && !request.socket.destroyed) {
    for (const command of allCommands(door.cloud).reverse()) {
      const invocation = command.invocations.find(({ instanceId }) => instanceId === door.instanceId);
      const message = invocation && messageFor(command, invocation, boot);
      if (message !== undefined) return message;
    }
    await sleep(LOOK_MS);
  }
  return 'none\n';
}

function messageFor(command: CommandRecord, { status, bootId }: InvocationRecord, boot: string): string | undefined {
  if (status === 'Pending') {
    return `run ${command.id} ${command.executionSeconds}\n${(command.parameters.commands ?? []).join('\n')}\n`;
  }
  return status === 'Cancelling' && bootId === boot ? `cancel ${command.id}\n` : undefined;
}

function findInvocation({ cloud, instanceId }: Door, id: string): InvocationRecord | undefined {
  const command = allCommands(cloud).find((known) => known.id === id);
  return command?.invocations.find((one) => one.instanceId === instanceId);
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes <= MAX_OUTPUT_BYTES) chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}
