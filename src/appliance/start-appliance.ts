import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { SparseSource } from '../disk/sparse-source.ts';
import type { FileTree } from '../disk/tree/file-tree.ts';
import { DiskError, PlatformError } from '../errors.ts';
import type { NbdProblem } from '../nbd/nbd-export.ts';
import { serveNbd } from '../nbd/serve-nbd.ts';
import type { Accelerator } from '../qemu/choose-accelerator.ts';
import { findQemu } from '../qemu/find-programs.ts';
import { startMachine } from '../qemu/start-machine.ts';
import { AgentErrno, AgentPort } from './agent-port.ts';
import { createApplianceTree, describeErrno } from './appliance-tree.ts';
import { ensureApplianceFiles } from './ensure-kernel.ts';

const run = promisify(execFile);
// The kernel, Perl and the drivers take 60 MiB; a large XFS or btrfs keeps as much of its tables again.
const MEMORY_MIB = 256;
// One letter each: vda to vdz.
const MAX_DISKS = 26;
const PORT_LIMIT_MS = 20_000;

export interface ApplianceRequest {
  /** One file system each, from its first byte: a partition, or a disk without any. */
  readonly fileSystems: readonly SparseSource[];
  /** Where the kernel is kept. */
  readonly cacheFolder: string;
  readonly accelerator: Accelerator;
  /** What could not be read of a disk. */
  readonly onProblem?: (problem: NbdProblem) => void;
  readonly signal: AbortSignal;
}

export interface Appliance {
  /** Mounts the file system of that number, as the kind that Linux calls it (`xfs`). UnreadableDisk when that fails. */
  open(index: number, kind: string): Promise<FileTree>;
  close(): Promise<void>;
}

/**
 * A small machine whose kernel reads file systems that we do not: without a network, without any disk of the host, over
 * read-only block devices with a throw-away overlay, into which a journal is replayed. Whatever a file system does to
 * that kernel ends the machine and nothing else. One machine reads many; close it.
 */
export async function startAppliance(request: ApplianceRequest): Promise<Appliance> {
  const { fileSystems, cacheFolder, onProblem, signal } = request;
  if (fileSystems.length > MAX_DISKS) throw new RangeError(`${fileSystems.length} file systems, at most ${MAX_DISKS}`);
  const files = await ensureApplianceFiles(cacheFolder, signal);
  const programs = await findQemu(process.env);
  const folder = await mkdtemp(join(tmpdir(), 'understudy-reader-'));
  const ends: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const close = async () => {
    for (let end = ends.pop(); end; end = ends.pop()) await end();
  };
  try {
    const exports = fileSystems.map((source, i) => ({ name: `disk${i}`, description: '', source }));
    const nbdSocket = join(folder, 'nbd.sock');
    const server = await serveNbd({ exports, place: { socketPath: nbdSocket }, ...(onProblem && { onProblem }) });
    ends.push(() => server.close());
    const disks = await Promise.all(
      fileSystems.map((source, i) => makeOverlay(programs.img, { folder, source, i }, signal)),
    );
    const monitor = join(folder, 'monitor.sock');
    const args = applianceArguments({ ...files, folder, nbdSocket, monitor, disks, accelerator: request.accelerator });
    const machine = await startMachine({ qemu: programs.system, args, monitor });
    ends.push(() => machine.kill());
    const port = new AgentPort(await connected(join(folder, 'port.sock'), signal));
    ends.push(async () => port.close());
    return { open: (index, kind) => openTree(port, index, kind), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openTree(port: AgentPort, index: number, kind: string): Promise<FileTree> {
  try {
    const root = await port.ask('M', Uint8Array.of(index), Buffer.from(kind, 'latin1'));
    const notices = ['read by the kernel of a machine of its own; a journal that needed it was replayed'];
    return createApplianceTree(port, { kind, notices, mount: `/m${index}`, root, close: async () => {} });
  } catch (error) {
    if (!(error instanceof AgentErrno)) throw error;
    throw new DiskError('UnreadableDisk', `The ${kind} file system cannot be opened: ${describeErrno(error.errno)}.`);
  }
}

interface OverlayPlace {
  readonly folder: string;
  readonly source: SparseSource;
  readonly i: number;
}

async function makeOverlay(img: string, { folder, source, i }: OverlayPlace, signal: AbortSignal): Promise<string> {
  const path = join(folder, `disk${i}.qcow2`);
  await run(img, ['create', '-q', '-f', 'qcow2', path, String(source.bytes)], { signal });
  return path;
}

interface ArgumentFacts {
  readonly kernel: string;
  readonly initramfs: string;
  readonly folder: string;
  readonly nbdSocket: string;
  readonly monitor: string;
  readonly disks: readonly string[];
  readonly accelerator: Accelerator;
}

function applianceArguments(facts: ArgumentFacts): string[] {
  const { kernel, initramfs, folder, nbdSocket, monitor, disks, accelerator } = facts;
  return [
    ...['-name', 'understudy-reader', '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    // Should a file system take over the kernel and that kernel QEMU, it can start nothing and become nobody else.
    ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    ...['-accel', accelerator, '-machine', 'q35', '-cpu', accelerator === 'kvm' ? 'host' : 'max'],
    ...['-smp', '1', '-m', String(MEMORY_MIB), '-kernel', kernel, '-initrd', initramfs],
    ...['-append', 'console=ttyS0 quiet panic=-1 oops=panic mitigations=off nokaslr random.trust_cpu=on'],
    ...['-chardev', `file,id=console,path=${join(folder, 'console.log')}`, '-serial', 'chardev:console'],
    ...['-chardev', `socket,id=monitor,path=${monitor},server=on,wait=off`, '-mon', 'chardev=monitor,mode=control'],
    ...[
      '-device',
      'virtio-serial-pci',
      '-chardev',
      `socket,id=port,path=${join(folder, 'port.sock')},server=on,wait=off`,
    ],
    ...['-device', 'virtserialport,chardev=port,name=understudy.reader'],
    ...disks.flatMap((path, i) => diskArguments(path, { i, nbdSocket })),
  ];
}

function diskArguments(path: string, { i, nbdSocket }: { readonly i: number; readonly nbdSocket: string }): string[] {
  const server = { type: 'unix', path: nbdSocket };
  const base = { driver: 'nbd', 'node-name': `base${i}`, 'read-only': true, server, export: `disk${i}` };
  const file = { driver: 'file', filename: path };
  const overlay = { driver: 'qcow2', 'node-name': `disk${i}`, file, backing: `base${i}`, cache: { 'no-flush': true } };
  return [
    ...['-blockdev', JSON.stringify(base), '-blockdev', JSON.stringify(overlay)],
    ...['-device', `virtio-blk-pci,drive=disk${i}`],
  ];
}

async function connected(path: string, signal: AbortSignal): Promise<Socket> {
  const giveUpAt = Date.now() + PORT_LIMIT_MS;
  for (;;) {
    signal.throwIfAborted();
    const socket = await tryToConnect(path);
    if (socket) return socket;
    if (Date.now() > giveUpAt) throw new PlatformError('MachineFailed', `QEMU opened no port at ${path}`);
    await sleep(20, undefined, { signal });
  }
}

function tryToConnect(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path, () => resolve(socket));
    socket.on('error', () => resolve(undefined));
  });
}
