import { execFile } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ByteSource } from '../disk/byte-source.ts';
import type { FileTree } from '../disk/tree/file-tree.ts';
import { DiskError, PlatformError } from '../errors.ts';
import type { NbdExport } from '../nbd/nbd-export.ts';
import { serveNbd } from '../nbd/serve-nbd.ts';
import { chooseAccelerator } from '../qemu/choose-accelerator.mjs';
import { findQemu } from '../qemu/find-programs.ts';
import { type RunningMachine, startMachine } from '../qemu/start-machine.ts';
import { AgentErrno, AgentPort } from './agent-port.ts';
import { applianceArguments } from './appliance-arguments.ts';
import { createApplianceTree, describeErrno } from './appliance-tree.ts';
import { ensureApplianceFiles } from './ensure-kernel.ts';
import { asSparse } from './whole-source.ts';

const run = promisify(execFile);
// Each is a client of the block devices, which take 16.
const MAX_DISKS = 16;
const PORT_LIMIT_MS = 20_000;
// One would do but for what ends meanwhile, which is five files at most.
const REMOVALS = 5;
// The kernel's last words when it does not come up; a line or two of them help.
const CONSOLE_CHARACTERS = 300;

export interface Appliance {
  /**
   * The files of a file system from its first byte (a partition, or a disk without any), of a kind as Linux calls it (`xfs`).
   * UnreadableDisk when that kernel cannot read it.
   */
  open(kind: string, source: ByteSource): Promise<FileTree>;
  close(): Promise<void>;
}

/**
 * A small machine whose kernel reads file systems that we do not: without a network, without any disk of the host, over
 * read-only block devices with a throw-away overlay, into which a journal is replayed. Whatever a file system does to
 * that kernel ends the machine and nothing else. One machine reads many; close it.
 */
export async function startAppliance(cacheFolder: string, signal: AbortSignal): Promise<Appliance> {
  const programs = await findQemu(process.env); // first: without QEMU no kernel need be fetched
  const files = await ensureApplianceFiles(cacheFolder, signal);
  const { accelerator } = await chooseAccelerator({ qemu: programs.system, cacheFolder, signal });
  const folder = await mkdtemp(join(tmpdir(), 'understudy-reader-'));
  const removeFolder = () => removeWhole(folder);
  // What was read stands in it decrypted. A command whose output nobody reads any more (`| head`) exits without closing.
  process.once('exit', removeFolder);
  const ends: (() => unknown)[] = [() => process.off('exit', removeFolder), removeFolder];
  const close = async () => {
    for (let end = ends.pop(); end; end = ends.pop()) await end();
  };
  try {
    // Grows with the disks; the server looks into it whenever a client names one.
    const exports: NbdExport[] = [];
    const server = await serveNbd({ exports, place: { socketPath: join(folder, 'nbd.sock') } });
    ends.push(() => server.close());
    const monitor = join(folder, 'monitor.sock');
    const args = applianceArguments({ ...files, folder, monitor, accelerator });
    const machine = await startMachine({ qemu: programs.system, args, monitor });
    ends.push(() => machine.kill());
    const port = new AgentPort(await connected(join(folder, 'port.sock'), signal));
    ends.push(async () => port.close());
    const place = { folder, qemuImg: programs.img, machine, exports };
    return { open: (kind, source) => openTree(port, place, { kind, source }), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Node takes a folder for removed when an entry vanishes under its hands, as QEMU's sockets do while it ends. */
function removeWhole(folder: string): void {
  for (let tries = 0; tries < REMOVALS && existsSync(folder); tries++) rmSync(folder, { recursive: true, force: true });
}

interface Place {
  readonly folder: string;
  readonly qemuImg: string;
  readonly machine: RunningMachine;
  readonly exports: NbdExport[];
}

interface Wanted {
  readonly kind: string;
  readonly source: ByteSource;
}

async function openTree(port: AgentPort, place: Place, { kind, source }: Wanted): Promise<FileTree> {
  const index = await addDisk(place, source);
  try {
    const root = await port.ask('M', Uint8Array.of(index), Buffer.from(kind, 'latin1'));
    return createApplianceTree(port, {
      kind,
      notices: noticesOf(kind),
      mount: `/m${index}`,
      root,
      close: async () => {},
    });
  } catch (error) {
    if (error instanceof AgentErrno)
      throw new DiskError('UnreadableDisk', `The ${kind} file system cannot be opened: ${describeErrno(error.errno)}.`);
    if (error instanceof DiskError) throw new DiskError('UnreadableDisk', `${error.message}${await lastWords(place)}`);
    throw error;
  }
}

function noticesOf(kind: string): string[] {
  const replayed = 'read by the kernel of a machine of its own; a journal that needed it was replayed';
  const subvolumes = 'subvolumes are shown as folders of the default one, not where /etc/fstab mounts them';
  return kind === 'btrfs' ? [replayed, subvolumes] : [replayed];
}

/** Puts one more disk into the running machine; resolves with its number. */
async function addDisk({ folder, qemuImg, machine, exports }: Place, source: ByteSource): Promise<number> {
  const index = exports.length;
  if (index >= MAX_DISKS) throw new DiskError('UnreadableDisk', `More than ${MAX_DISKS} such file systems at once.`);
  exports.push({ name: `disk${index}`, description: '', source: asSparse(source) });
  const overlay = join(folder, `disk${index}.qcow2`);
  await run(qemuImg, ['create', '-q', '-f', 'qcow2', overlay, String(source.bytes)]);
  await machine.command('blockdev-add', {
    driver: 'nbd',
    'node-name': `base${index}`,
    'read-only': true,
    server: { type: 'unix', path: join(folder, 'nbd.sock') },
    export: `disk${index}`,
  });
  await machine.command('blockdev-add', {
    driver: 'qcow2',
    'node-name': `disk${index}`,
    file: { driver: 'file', filename: overlay },
    backing: `base${index}`,
    cache: { 'no-flush': true }, // it is thrown away
  });
  await machine.command('device_add', { driver: 'scsi-hd', bus: 'disks.0', drive: `disk${index}`, 'scsi-id': index });
  return index;
}

async function lastWords({ folder }: Place): Promise<string> {
  const console = await readFile(join(folder, 'console.log'), 'latin1').catch(() => '');
  // Any program of that machine may have written there.
  const said = console.replaceAll(/[^\x20-\x7e]+/g, ' ').trim();
  return said === '' ? '' : ` Its console ends with: ${said.slice(-CONSOLE_CHARACTERS)}`;
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
