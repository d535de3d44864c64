import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { NbdPlace } from '../nbd/serve-nbd.ts';
import { chooseVolumes } from '../search/choose-volumes.ts';
import type { CliDeps } from './deps.ts';
import { formatBytes, formatMoment } from './format.ts';
import { jsonLines } from './json-lines.ts';
import { addPointOptions, openPoint, type PointOptions } from './point-access.ts';
import { type ServedPoint, type ServedVolume, servePoint } from './serve-point.ts';
import { terminalText } from './terminal-text.ts';
import { untilAborted } from './until-aborted.ts';

interface MountOptions extends PointOptions {
  readonly volume?: readonly string[];
  readonly socket?: string;
  readonly port?: number;
  readonly cache?: string;
  readonly json?: true;
}

export function mountCommand(deps: CliDeps): Command {
  const command = new Command('mount')
    .description('serve volumes of a recovery point as read-only network block devices (NBD), straight from the vault')
    .argument('<point>', 'id of the recovery point, or latest')
    .option('--volume <id...>', 'only these volumes; left out: all')
    .addOption(
      new Option('--socket <path>', 'Unix socket to serve at; left out: one in a new folder').conflicts('port'),
    )
    .addOption(new Option('--port <n>', 'port of 127.0.0.1 to serve at, for any user of this machine').argParser(port))
    .option('--cache <folder>', 'keep blocks on this disk, decrypted, so that they are fetched once')
    .option('--json', 'JSON lines on standard output: an item per volume when it is served, a result at the end');
  return addPointOptions(command).action((pointId: string, options: MountOptions) => runMount(pointId, options, deps));
}

async function runMount(pointId: string, options: MountOptions, deps: CliDeps): Promise<void> {
  const { signal, stderr } = deps;
  const point = await openPoint(pointId, options, deps);
  const { place, dispose } = await choosePlace(options);
  try {
    const served = await servePoint({
      point,
      volumes: chooseVolumes(point.manifest, options.volume),
      place,
      cacheFolder: options.cache,
      signal,
      tell: (line) => void stderr.write(`${terminalText(line)}\n`),
    });
    try {
      announce(point.manifest, served, { deps, options });
      await untilAborted(signal);
    } finally {
      await served.close();
    }
    report(point.manifest.pointId, served, { deps, options });
  } finally {
    await dispose();
    await point.vault.close();
  }
}

interface Chosen {
  readonly place: NbdPlace;
  dispose(): Promise<void>;
}

/** A folder that only this user enters, unless a place was named. */
async function choosePlace({ socket, port: number }: MountOptions): Promise<Chosen> {
  if (number !== undefined) return { place: { port: number }, dispose: async () => {} };
  if (socket !== undefined) return { place: { socketPath: resolve(socket) }, dispose: async () => {} };
  const folder = await mkdtemp(join(tmpdir(), 'understudy-mount-'));
  return { place: { socketPath: join(folder, 'nbd.sock') }, dispose: () => rm(folder, { recursive: true }) };
}

interface Shown {
  readonly deps: CliDeps;
  readonly options: MountOptions;
}

function announce(
  { pointId, machine, capture }: { pointId: string; machine: { machineId: string }; capture: { capturedAt: string } },
  { volumes, place }: ServedPoint,
  { deps: { stdout, stderr }, options }: Shown,
): void {
  if (options.json) {
    for (const { volume, uri } of volumes) {
      const { volumeId, deviceName, root, volumeBytes } = volume;
      jsonLines(stdout).item({ pointId, volumeId, deviceName, root, volumeBytes, uri, ...place });
    }
    return;
  }
  const whose = `${terminalText(machine.machineId)}, captured ${formatMoment(capture.capturedAt)}`;
  stdout.write(`serving  ${pointId} of ${whose}, read-only\n`);
  for (const { volume, uri } of volumes) {
    const { volumeBytes, deviceName, root } = volume;
    stdout.write(`  ${uri}  ${terminalText(deviceName)}${root ? ', root' : ''}, ${formatBytes(volumeBytes)}\n`);
  }
  const [first] = volumes;
  if (first) for (const line of hintsFor(first, place)) stderr.write(`${line}\n`);
}

/** What people type; quoted for a shell. */
function hintsFor({ volume: { volumeId }, uri }: ServedVolume, place: NbdPlace): string[] {
  const where = 'port' in place ? `127.0.0.1 ${place.port}` : `-unix '${place.socketPath}'`;
  return [
    `  look at it   nbdinfo '${uri}'`,
    `  copy it      qemu-img convert -p -O qcow2 '${uri}' ${volumeId}.qcow2`,
    `  as a device  modprobe nbd && qemu-nbd --read-only --format=raw --connect=/dev/nbd0 '${uri}'`,
    `               or: nbd-client ${where} /dev/nbd0 -name ${volumeId} -readonly`,
    '  then         mount -o ro,noload /dev/nbd0p1 /mnt (ext4; norecovery for XFS)',
    '  Ctrl-C ends it',
  ];
}

function report(pointId: string, served: ServedPoint, { deps: { stdout, stderr }, options }: Shown): void {
  const cost = served.cost();
  if (options.json) jsonLines(stdout).result({ pointId, ...cost });
  else stderr.write(`ended  ${formatBytes(cost.bytesFetched)} fetched from the vault in ${cost.requests} requests\n`);
}

function port(value: string): number {
  const number = Number(value);
  if (/^\d{1,5}$/.test(value) && number < 65_536) return number;
  throw new InvalidArgumentError('must be a port, 0 for any free one.');
}
