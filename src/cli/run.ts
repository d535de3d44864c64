import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { ConfigurationError } from '../errors.ts';
import type { Forward, MachinePlan } from '../qemu/machine-arguments.ts';
import type { MachineEnd, RunningMachine } from '../qemu/start-machine.ts';
import { inBootOrder } from '../vault/boot-order.ts';
import type { Manifest } from '../vault/index.ts';
import type { CliDeps } from './deps.ts';
import { formatBytes, formatMoment, formatSeconds } from './format.ts';
import { jsonLines } from './json-lines.ts';
import { addPointOptions, openPoint } from './point-access.ts';
import { addRunOptions, type RunOptions, type WantedForward } from './run-options.ts';
import { type ReadCost, type ServedPoint, servePoint } from './serve-point.ts';
import { terminalText } from './terminal-text.ts';
import { untilAborted } from './until-aborted.ts';

// Databases write for a while when they are told to end; under software emulation several times as long.
const POWER_OFF_LIMIT_MS = 120_000;

export function runCommand(deps: CliDeps): Command {
  const command = new Command('run')
    .description(
      'boot the machine of a recovery point on this host at once, straight from the vault, cut off from every network',
    )
    .argument('<point>', 'id of the recovery point, or latest');
  return addPointOptions(addRunOptions(command)).action((pointId: string, options: RunOptions) =>
    runPoint(pointId, options, deps),
  );
}

async function runPoint(pointId: string, options: RunOptions, deps: CliDeps): Promise<void> {
  const startedAt = deps.now();
  const point = await openPoint(pointId, options, deps);
  const folder = options.folder ? resolve(options.folder) : await mkdtemp(join(tmpdir(), 'understudy-run-'));
  // Another one than the overlays': sockets have short paths, and what is kept holds nothing that ends with us.
  const sockets = await mkdtemp(join(tmpdir(), 'understudy-run-'));
  // What somebody keeps in a folder that is refused must stay.
  let isOurs = options.folder === undefined;
  try {
    mustBeRunnable(point.manifest);
    await claim(folder, point.manifest);
    isOurs = true;
    const served = await servePoint({
      point,
      volumes: point.manifest.volumes.filter(({ role }) => role === 'machine').sort(inBootOrder),
      place: { socketPath: join(sockets, 'nbd.sock') },
      cacheFolder: options.cache,
      // Not the command's signal: an interrupt must still let the machine read while it shuts down.
      signal: new AbortController().signal,
      tell: (line) => void deps.stderr.write(`${terminalText(line)}\n`),
    });
    try {
      const plan = await makePlan({ served, manifest: point.manifest, folder, sockets }, options, deps);
      const end = await attend(plan, { startedAt, served, manifest: point.manifest }, { options, deps });
      report(end, { served, manifest: point.manifest, folder }, { options, deps });
    } finally {
      await served.close();
    }
  } finally {
    await rm(sockets, { recursive: true, force: true });
    if (isOurs && !options.keep) await rm(folder, { recursive: true, force: true });
    await point.vault.close();
  }
}

async function claim(folder: string, { pointId }: Manifest): Promise<void> {
  const { claimFolder } = await import('../qemu/overlays.ts');
  const { writing } = await import('../vault/index.ts');
  await writing(folder, () => claimFolder(folder, pointId));
}

function mustBeRunnable({ pointId, machine, volumes }: Manifest): void {
  if (!volumes.some(({ role }) => role === 'machine')) {
    const message = `${pointId} holds what agents wrote and no disks to boot from; its files: understudy files ls ${pointId}:/`;
    throw new ConfigurationError('PointHasNoDisks', message);
  }
  const { architecture } = machine;
  if (architecture === null || architecture === 'x86_64') return;
  const message = `${pointId} is of a machine for ${terminalText(architecture)}; only x86_64 is run here. Restore it to EC2 or to images`;
  throw new ConfigurationError('InvalidInput', message);
}

interface Place {
  readonly served: ServedPoint;
  readonly manifest: Manifest;
  readonly folder: string;
  readonly sockets: string;
}

async function makePlan(
  { served, manifest, folder, sockets }: Place,
  options: RunOptions,
  { signal }: CliDeps,
): Promise<MachinePlan & { readonly qemu: string }> {
  const { findQemu } = await import('../qemu/find-programs.ts');
  const { ensureOverlays, ensureUefi } = await import('../qemu/overlays.ts');
  const { chooseAccelerator } = await import('../qemu/choose-accelerator.mjs');
  const { cacheFolder } = await import('../qemu/cache-folder.mjs');
  const programs = await findQemu(process.env);
  const { pointId, machine } = manifest;
  const disks = served.volumes.map(({ volume: { volumeId, volumeBytes }, uri }) => ({ volumeId, volumeBytes, uri }));
  const overlaid = await ensureOverlays({ folder, disks, qemuImg: programs.img, signal });
  const trial = { qemu: programs.system, cacheFolder: cacheFolder(process.env), signal };
  const accelerator = options.accel ?? (await chooseAccelerator(trial)).accelerator;
  const firmware = options.firmware ?? (machine.bootMode?.startsWith('uefi') ? 'uefi' : 'bios');
  return {
    qemu: programs.system,
    name: `understudy-${pointId}`,
    accelerator,
    cpus: options.cpus,
    memoryMiB: options.memory,
    firmware: firmware === 'uefi' ? await ensureUefi(folder) : undefined,
    disks: overlaid,
    nbdSocket: join(sockets, 'nbd.sock'),
    privateAddress: machine.addresses.find((address) => /^\d{1,3}(\.\d{1,3}){3}$/.test(address)),
    forwards: await chooseForwards(options.forward),
    monitor: join(sockets, 'monitor.sock'),
    console: join(folder, 'console.log'),
  };
}

async function chooseForwards(wanted: readonly WantedForward[]): Promise<Forward[]> {
  const { freePort } = await import('../qemu/free-port.ts');
  return Promise.all(
    wanted.map(async ({ hostPort, guestPort }) => ({ hostPort: hostPort || (await freePort()), guestPort })),
  );
}

interface Attended {
  readonly startedAt: Date;
  readonly served: ServedPoint;
  readonly manifest: Manifest;
}

interface Shown {
  readonly options: RunOptions;
  readonly deps: CliDeps;
}

/** Starts the machine, tells when it answers, and waits until it ends or we are interrupted. */
async function attend(
  plan: MachinePlan & { readonly qemu: string },
  { startedAt, served, manifest }: Attended,
  { options, deps }: Shown,
): Promise<MachineEnd> {
  const { machineArguments } = await import('../qemu/machine-arguments.ts');
  const { startMachine } = await import('../qemu/start-machine.ts');
  const { waitForAnswer } = await import('../qemu/wait-for-answer.ts');
  announce(plan, manifest, { options, deps });
  const machine = await startMachine({ qemu: plan.qemu, args: machineArguments(plan), monitor: plan.monitor });
  const left = new AbortController();
  const ports = plan.forwards.map(({ hostPort }) => hostPort);
  const told = waitForAnswer(ports, AbortSignal.any([left.signal, deps.signal])).then(
    (port) =>
      tellUp(plan, { port, ms: deps.now().getTime() - startedAt.getTime(), cost: served.cost() }, { options, deps }),
    () => {}, // ended or interrupted before it answered
  );
  try {
    return await endOf(machine, deps);
  } finally {
    left.abort();
    await told;
  }
}

async function endOf(machine: RunningMachine, { signal, stderr }: CliDeps): Promise<MachineEnd> {
  const interrupted = untilAborted(signal).then(() => 'interrupted' as const);
  const first = await Promise.race([machine.ended, interrupted]);
  if (first !== 'interrupted') return first;
  stderr.write('shutting the machine down; once more ends it hard\n');
  return machine.powerOff(POWER_OFF_LIMIT_MS);
}

function announce(
  plan: MachinePlan,
  { pointId, machine, capture }: Manifest,
  { options, deps: { stdout } }: Shown,
): void {
  if (options.json) return;
  const how = plan.accelerator === 'kvm' ? 'hardware virtualization' : 'software emulation';
  const whose = `${terminalText(machine.machineId)}, captured ${formatMoment(capture.capturedAt)}`;
  stdout.write(`starting  ${pointId} of ${whose}: ${plan.disks.length} disks from the vault, ${how}\n`);
  for (const { hostPort, guestPort } of plan.forwards)
    stdout.write(`  127.0.0.1:${hostPort} leads to port ${guestPort}\n`);
  stdout.write(`  console  ${plan.console}\n`);
}

interface Up {
  readonly port: number;
  readonly ms: number;
  readonly cost: ReadCost;
}

function tellUp({ forwards }: MachinePlan, { port, ms, cost }: Up, { options, deps: { stdout, stderr } }: Shown): void {
  const guestPort = forwards.find(({ hostPort }) => hostPort === port)?.guestPort;
  if (options.json) {
    jsonLines(stdout).progress({ phase: 'up', ms, hostPort: port, guestPort, forwards, ...cost });
    return;
  }
  const fetched = `${formatBytes(cost.bytesFetched)} fetched in ${cost.requests} requests`;
  stdout.write(`up        port ${guestPort} answers at 127.0.0.1:${port} after ${formatSeconds(ms)}, ${fetched}\n`);
  stderr.write('  Ctrl-C shuts it down in order\n');
}

function report(
  end: MachineEnd,
  { served, manifest, folder }: Omit<Place, 'sockets'>,
  { options, deps: { stdout } }: Shown,
): void {
  const { keep = false } = options;
  const cost = served.cost();
  if (options.json) {
    jsonLines(stdout).result({ pointId: manifest.pointId, end, ...cost, ...(keep && { folder }) });
    return;
  }
  const left = keep ? `what it wrote is kept in ${folder}` : 'what it wrote is discarded';
  stdout.write(`ended     ${end}, ${formatBytes(cost.bytesFetched)} fetched in all; ${left}\n`);
}
