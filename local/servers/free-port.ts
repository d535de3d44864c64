import { createServer, type Server } from 'node:net';

/** Another process may take a port between our look and the server's start; three times in a row it is no accident. */
const ATTEMPTS = 3;

/** Starts something on loopback ports that nobody uses, and again on others when one was taken meanwhile. */
export async function onFreePorts<T>(count: number, start: (ports: readonly number[]) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await findFreePorts(count));
    } catch (error) {
      if (attempt === ATTEMPTS || !/address already in use/i.test(String(error))) throw error;
    }
  }
}

/** TCP ports of the loopback address that nobody uses now, all different. */
async function findFreePorts(count: number): Promise<number[]> {
  // All are held at once, otherwise the system may offer the same one twice.
  const holders = await Promise.all(Array.from({ length: count }, () => listen(0)));
  const ports = holders.map((server) => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
    return address.port;
  });
  await Promise.all(holders.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/**
 * Fails when somebody listens there. Must be asked before a server starts: its readiness check could be answered by the
 * other one while it is still about to fail.
 */
export async function requireFreePort(port: number): Promise<void> {
  const server = await listen(port);
  await new Promise((resolve) => server.close(resolve));
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
