import { chmod, lstat, rm } from 'node:fs/promises';
import { connect, createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { ConfigurationError, FormatError } from '../errors.ts';
import { Connection } from './connection.ts';
import { shakeHands } from './handshake.ts';
import type { NbdExport, NbdProblem } from './nbd-export.ts';
import { serveRequests } from './transmission.ts';

// nbdcopy opens 4 connections, QEMU one for each disk; each may hold 32 MiB of answers.
const MAX_CLIENTS = 16;
// Options are a few packets on one machine; who needs longer holds one of the places for nothing.
const HANDSHAKE_LIMIT_MS = 10_000;

/** A path for a Unix socket, or a port of the loopback (0: any free one). Never another address: NBD asks for no key. */
export type NbdPlace = { readonly socketPath: string } | { readonly port: number };

export interface NbdServerRequest {
  /** A client that names none gets the first. */
  readonly exports: readonly NbdExport[];
  readonly place: NbdPlace;
  /** What could not be read; the client was told, too. */
  readonly onProblem?: (problem: NbdProblem) => void;
  /** Why a client was sent away: bytes that are not NBD, or no choice within the limit. */
  readonly onRefused?: (reason: string) => void;
}

export interface NbdServer {
  readonly place: NbdPlace;
  readonly clients: number;
  /** Sends the clients away and waits until nothing of theirs is under way. */
  close(): Promise<void>;
}

/** Serves disks over NBD, read-only. InvalidInput when the place cannot be had. */
export async function serveNbd(request: NbdServerRequest): Promise<NbdServer> {
  const closing = new AbortController();
  const clients = new Set<Promise<void>>();
  const server = createServer((socket) => {
    if (clients.size >= MAX_CLIENTS) {
      request.onRefused?.(`more than ${MAX_CLIENTS} clients at once`);
      socket.destroy();
      return;
    }
    const client = serveClient(socket, request, closing.signal).finally(() => clients.delete(client));
    clients.add(client);
  });
  const place = await listenAt(server, request.place);
  return {
    place,
    get clients() {
      return clients.size;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      closing.abort(new Error('the server ends'));
      await Promise.all(clients);
      await closed;
    },
  };
}

/** Never rejects: whatever one client does ends that client's connection and nothing else. */
async function serveClient(
  socket: Socket,
  { exports, onProblem = () => {}, onRefused = () => {} }: NbdServerRequest,
  closing: AbortSignal,
): Promise<void> {
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, closing]);
  socket.on('close', () => gone.abort(new Error('the client left')));
  socket.on('error', () => {}); // 'close' follows
  const connection = new Connection(socket, signal);
  const slow = setTimeout(() => gone.abort(new FormatError('no choice in time')), HANDSHAKE_LIMIT_MS);
  try {
    const session = await shakeHands(connection, exports);
    clearTimeout(slow);
    if (session) await serveRequests({ connection, session, onProblem });
    socket.destroySoon(); // what was written still leaves
  } catch (error) {
    if (error instanceof FormatError) onRefused(error.message);
    else if (!signal.aborted) onRefused(`unexpected: ${String(error)}`);
    socket.destroy();
  } finally {
    clearTimeout(slow);
  }
}

async function listenAt(server: Server, place: NbdPlace): Promise<NbdPlace> {
  if ('port' in place) {
    await listen(server, { host: '127.0.0.1', port: place.port });
    const address = server.address();
    return typeof address === 'object' && address ? { port: address.port } : place;
  }
  if (await isLeftOver(place.socketPath)) await rm(place.socketPath);
  await listen(server, { path: place.socketPath });
  // Whoever may connect may read the disks.
  await chmod(place.socketPath, 0o600);
  return place;
}

function listen(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `cannot listen at ${options.path ?? `port ${options.port}`}: ${cause.message}; name another place`;
      reject(new ConfigurationError('InvalidInput', message, { cause }));
    });
    server.listen(options, resolve);
  });
}

/** A socket that nobody listens at: its process was killed. */
async function isLeftOver(path: string): Promise<boolean> {
  // A plain file refuses connections, too, and is somebody's.
  const found = await lstat(path).catch(() => undefined);
  if (!found?.isSocket()) return false;
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(false);
    });
    socket.on('error', (error) => resolve('code' in error && error.code === 'ECONNREFUSED'));
  });
}
