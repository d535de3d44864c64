import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectQmp, type Qmp } from './qmp.ts';
import { waitFor } from './wait-for.ts';

export interface GuestMachineRequest {
  /** Where console, sockets and standard error go. */
  readonly dir: string;
  readonly name: string;
  readonly disks: readonly string[];
  /** The guest's busybox: its nc carries the connections that QEMU hands over. */
  readonly busybox: string;
  /** Port on loopback that answers for 169.254.169.254:80; none: the machine has no metadata service. */
  readonly metadataPort?: number;
  /** Port on loopback that answers for 203.0.113.10:8080; none: the way outside is closed. */
  readonly ledgerPort?: number;
  /** Guest ports that loopback may reach. */
  readonly openPorts?: readonly number[];
}

export interface GuestMachine {
  /** The loopback port that leads to one of `openPorts`. */
  hostPort(guestPort: number): number;
  console(): Promise<string>;
  /** Waits until the console matches; fails with the end of the console after `limitMs`. */
  consoleShows(pattern: RegExp, limitMs?: number): Promise<RegExpExecArray>;
  pressPowerButton(): Promise<void>;
  /** Resolves when the machine has powered itself off. */
  poweredOff(limitMs?: number): Promise<void>;
  screenshot(file: string): Promise<void>;
  /** Ends the emulator at once, as a power cut would. */
  kill(): Promise<void>;
}

/** Boots disks through firmware, software emulation only, on a network that leads nowhere but where it is opened. */
export async function startGuestMachine(request: GuestMachineRequest): Promise<GuestMachine> {
  const serial = join(request.dir, `${request.name}.console`);
  const socket = join(request.dir, `${request.name}.qmp`);
  const log = createWriteStream(join(request.dir, `${request.name}.stderr`));
  await once(log, 'open');
  const child = spawn('qemu-system-x86_64', machineArguments(request, serial, socket), { stdio: ['ignore', log, log] });
  const qmp = await connectQmp(socket, () => child.exitCode === null);
  const ports = await forwardedPorts(qmp);
  const read = () => readFile(serial, 'latin1').catch(() => '');
  return {
    hostPort(guestPort) {
      const port = ports.get(guestPort);
      if (port === undefined) throw new Error(`guest port ${guestPort} is not open`);
      return port;
    },
    console: read,
    consoleShows: (pattern, limitMs = 90_000) =>
      waitFor(async () => pattern.exec(await read()) ?? undefined, {
        limitMs,
        what: `console shows ${pattern}`,
        otherwise: read,
      }),
    pressPowerButton: async () => void (await qmp.execute('system_powerdown')),
    poweredOff: (limitMs = 60_000) =>
      waitFor(async () => (child.exitCode === null ? undefined : true), {
        limitMs,
        what: 'power off',
        otherwise: read,
      }).then(() => undefined),
    screenshot: async (file) => void (await qmp.execute('screendump', { filename: file, format: 'png' })),
    kill: () => endProcess(child),
  };
}

function machineArguments(request: GuestMachineRequest, serial: string, socket: string): string[] {
  return [
    ...['-name', request.name, '-nodefaults', '-display', 'none', '-no-reboot'],
    ...['-accel', 'tcg,thread=multi', '-machine', 'q35,hpet=off', '-cpu', 'qemu64', '-smp', '1', '-m', '512'],
    ...['-serial', `file:${serial}`, '-qmp', `unix:${socket},server=on,wait=off`, '-device', 'VGA'],
    ...request.disks.flatMap(diskArguments),
    ...['-netdev', networkArguments(request), '-device', 'virtio-net-pci,netdev=n0,id=nic0,romfile='],
  ];
}

function diskArguments(file: string, index: number): string[] {
  const node = { driver: 'raw', 'node-name': `d${index}`, file: { driver: 'file', filename: file } };
  const boot = index === 0 ? ',bootindex=0' : '';
  return ['-blockdev', JSON.stringify(node), '-device', `nvme,drive=d${index},serial=vol${index}${boot}`];
}

// One card carries DHCP, the metadata address and single openings; a guestfwd address must lie in the card's network,
// hence 0.0.0.0/0 (written as a dotted mask, which QEMU does not refuse).
function networkArguments({ busybox, metadataPort, ledgerPort, openPorts = [] }: GuestMachineRequest): string {
  const handOver = (address: string, port: number | undefined) =>
    port === undefined ? [] : [`guestfwd=tcp:${address}-cmd:${busybox} nc 127.0.0.1 ${port}`];
  return [
    'user,id=n0,restrict=on,ipv6=off,net=0.0.0.0/0.0.0.0,host=10.20.1.1,dns=10.20.1.2,dhcpstart=10.20.1.77',
    ...handOver('169.254.169.254:80', metadataPort),
    ...handOver('203.0.113.10:8080', ledgerPort),
    ...openPorts.map((port) => `hostfwd=tcp:127.0.0.1:0-:${port}`),
  ].join(',');
}

/** QEMU chose the host ports (port 0): its own table says which. */
async function forwardedPorts(qmp: Qmp): Promise<Map<number, number>> {
  const table = await qmp.execute('human-monitor-command', { 'command-line': 'info usernet' });
  // TCP[HOST_FORWARD]  12  127.0.0.1 40123  10.20.1.77 5432  0  0
  const rows = String(table).matchAll(/TCP\[HOST_FORWARD\]\s+\d+\s+\S+\s+(\d+)\s+\S+\s+(\d+)/g);
  return new Map([...rows].map(([, host, guest]) => [Number(guest), Number(host)]));
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
