import { createHash, hash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, get as getPlain, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createSecureServer, get as getSecure } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { receivingAgents } from '../../../src/vault/receiving-agents.ts';
import { seededBytes } from '../../support/vault-random.ts';

// Longer than what a connection receives at once, and no multiple of it.
const BODY = seededBytes('a body')(3_000_001);
const DIGEST = hash('sha256', BODY, 'hex');

// A shared key, so that no certificate is needed.
const psk = Buffer.alloc(16, 7);
const TLS = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;
const agents = receivingAgents({
  ...{ keepAlive: true, maxSockets: 1 },
  ...{ ...TLS, pskCallback: () => ({ psk, identity: 'test' }), checkServerIdentity: () => undefined },
});
const connections = { http: new Set<unknown>(), https: new Set<unknown>() };
const answer =
  (scheme: 'http' | 'https'): RequestListener =>
  ({ url, socket }, response) => {
    connections[scheme].add(socket);
    if (url === '/broken') response.writeHead(200, { 'content-length': BODY.length }).write(BODY.subarray(1), cut);
    else response.end(BODY);
    function cut() {
      socket.destroy();
    }
  };
const servers = {
  http: createServer(answer('http')),
  https: createSecureServer({ ...TLS, pskCallback: () => psk }, answer('https')),
};

beforeAll(async () => {
  for (const server of Object.values(servers)) await once(server.listen(0, '127.0.0.1'), 'listening');
});

afterAll(() => {
  for (const agent of Object.values(agents)) agent.destroy();
  for (const server of Object.values(servers)) server.close();
});

async function ask(scheme: 'http' | 'https', path = '/'): Promise<IncomingMessage> {
  const { port } = servers[scheme].address() as AddressInfo;
  const options = { host: '127.0.0.1', port, path };
  const request =
    scheme === 'http'
      ? getPlain({ ...options, agent: agents.httpAgent })
      : getSecure({ ...options, agent: agents.httpsAgent });
  const [response] = await once(request, 'response');
  return response;
}

test.each(['http', 'https'] as const)('bodies arrive whole over one %s connection that is kept', async (scheme) => {
  for (let i = 0; i < 3; i++) {
    const digest = createHash('sha256');
    // A reader that waits between the parts: the connection is paused, and what comes then is what follows.
    for await (const part of await ask(scheme)) {
      digest.update(part);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(digest.digest('hex')).toBe(DIGEST);
  }
  expect(connections[scheme].size).toBe(1);
});

test.each(['http', 'https'] as const)('a %s connection that breaks is an error of the body', async (scheme) => {
  const body = await ask(scheme, '/broken');
  await expect(body.toArray()).rejects.toMatchObject({ code: 'ECONNRESET' });
});
