import type { NbdPlace } from '../nbd/serve-nbd.ts';
import type { ManifestVolume, VolumeReader } from '../vault/index.ts';
import { readFailure } from './failure.ts';
import { formatBytes } from './format.ts';
import type { OpenPoint } from './point-access.ts';
import { terminalText } from './terminal-text.ts';

export interface ServePointRequest {
  readonly point: OpenPoint;
  readonly volumes: readonly ManifestVolume[];
  readonly place: NbdPlace;
  /** Where blocks are kept for later reads, in the clear; left out: only in memory. */
  readonly cacheFolder: string | undefined;
  readonly signal: AbortSignal;
  /** One line for people: what could not be read, or who was sent away. Each thing is told once. */
  readonly tell: (line: string) => void;
}

export interface ServedPoint {
  readonly place: NbdPlace;
  readonly volumes: readonly ServedVolume[];
  /** What was asked of the vault so far. */
  cost(): ReadCost;
  close(): Promise<void>;
}

export interface ServedVolume {
  readonly volume: ManifestVolume;
  readonly uri: string;
}

export interface ReadCost {
  readonly requests: number;
  readonly bytesFetched: number;
  readonly cachedBlocks: number;
}

/** Serves volumes of a recovery point as read-only network block devices, straight from the vault. */
export async function servePoint(request: ServePointRequest): Promise<ServedPoint> {
  const { point, volumes, cacheFolder, signal } = request;
  const { openVolumeReader } = await import('../vault/index.ts');
  const { serveNbd } = await import('../nbd/serve-nbd.ts');
  const { vault } = point;
  const readers = await Promise.all(
    volumes.map(({ volumeId, map }) => openVolumeReader({ vault, volumeId, map, cacheFolder, signal })),
  );
  const told = onceEach(request.tell);
  const server = await serveNbd({
    exports: volumes.map((volume, i) => ({
      name: volume.volumeId,
      description: `${point.manifest.pointId} ${volume.deviceName}${volume.root ? ' (root)' : ''}`,
      source: readerAt(readers, i),
    })),
    place: request.place,
    onProblem: ({ exportName, offset, bytes, error }) =>
      told(
        `unreadable  ${exportName}, ${formatBytes(bytes)} at byte ${offset}: ${terminalText(readFailure(error).message)}`,
      ),
    onRefused: (reason) => told(`a client was sent away: ${reason}`),
  });
  return {
    place: server.place,
    volumes: volumes.map((volume) => ({ volume, uri: uriOf(server.place, volume.volumeId) })),
    cost: () => totalOf(readers.map(({ reader }) => reader)),
    async close() {
      await server.close();
      await Promise.all(readers.map((reader) => reader.close()));
    },
  };
}

function readerAt(readers: readonly { readonly reader: VolumeReader }[], i: number): VolumeReader {
  const found = readers[i];
  if (!found) throw new TypeError('a reader for each volume');
  return found.reader;
}

/** doc/uri.md of the NetworkBlockDevice project; volume ids need no escape, paths may. */
function uriOf(place: NbdPlace, volumeId: string): string {
  if ('port' in place) return `nbd://127.0.0.1:${place.port}/${volumeId}`;
  return `nbd+unix:///${volumeId}?socket=${encodeURI(place.socketPath)}`;
}

function totalOf(readers: readonly VolumeReader[]): ReadCost {
  const sum = (of: (reader: VolumeReader) => number) => readers.reduce((total, reader) => total + of(reader), 0);
  return {
    requests: sum(({ counters }) => counters.requests),
    bytesFetched: sum(({ counters }) => counters.bytes),
    cachedBlocks: sum(({ counters }) => counters.cachedBlocks),
  };
}

// Kernels repeat a read that failed, and a log of the same line helps nobody.
function onceEach(tell: (line: string) => void): (line: string) => void {
  const told = new Set<string>();
  return (line) => {
    if (told.has(line)) return;
    told.add(line);
    tell(line);
  };
}
