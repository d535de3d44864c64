import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { type AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { vi } from 'vitest';

export interface OddServer {
  readonly endpoint: string;
  close(): Promise<void>;
}

/** Answers every request with headers and the first byte of a body, of which nothing more ever comes. */
export function startSilentServer(): Promise<OddServer> {
  return serve((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-length': '1000' });
    response.write('<');
  });
}

/** Takes what is sent over a slow line: 64 KiB every 5 ms. */
export function startSlowServer(): Promise<OddServer> {
  return serve((request, response) => {
    takeSlowly(request).then(
      () => response.end(),
      () => response.destroy(),
    );
  });
}

async function takeSlowly(request: IncomingMessage): Promise<void> {
  for await (const _ of request) await sleep(5);
}

/** Stands where a store should. */
export async function serve(listener: RequestListener): Promise<OddServer> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** For clients so many seconds pass in one, until the mocks are restored. */
export function hurryTimeouts(seconds: number): void {
  const { setTimeout: setOfSocket } = Socket.prototype;
  vi.spyOn(Socket.prototype, 'setTimeout').mockImplementation(function (this: Socket, ms, onTimeout) {
    return setOfSocket.call(this, ms / seconds, onTimeout);
  });
  const set = globalThis.setTimeout;
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((work: () => void, ms: number) =>
    set(work, ms / seconds)) as typeof setTimeout);
}
