import type { Accelerator } from './choose-accelerator.mjs';

/** A disk that is read from a block device and written to an overlay. */
export interface OverlaidDisk {
  readonly volumeId: string;
  /** Export of the block device, which serves what was never written. */
  readonly exportName: string;
  readonly overlay: string;
}

export interface Firmware {
  readonly code: string;
  /** This machine's own copy: it holds the order of booting. */
  readonly variables: string;
}

/** A port of 127.0.0.1 on the host that leads to one of the guest. */
export interface Forward {
  readonly hostPort: number;
  readonly guestPort: number;
}

export interface MachinePlan {
  readonly name: string;
  readonly accelerator: Accelerator;
  readonly cpus: number;
  readonly memoryMiB: number;
  /** Undefined: BIOS, which QEMU has of its own. */
  readonly firmware: Firmware | undefined;
  /** Root first: the firmware boots from it. */
  readonly disks: readonly OverlaidDisk[];
  readonly nbdSocket: string;
  /** The source's own, so that what is bound to it works. Undefined: any. */
  readonly privateAddress: string | undefined;
  readonly forwards: readonly Forward[];
  readonly monitor: string;
  readonly console: string;
}

/** Arguments of a machine as its platform would show it: NVMe disks with their volume's id, a card without any route. */
export function machineArguments(plan: MachinePlan): string[] {
  return [
    ...['-name', plan.name, '-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-accel', plan.accelerator, '-machine', 'q35', '-cpu', plan.accelerator === 'kvm' ? 'host' : 'max'],
    ...['-smp', String(plan.cpus), '-m', String(plan.memoryMiB)],
    ...firmwareArguments(plan.firmware),
    // A guest that powers itself off stays until we have heard of it: its end is then told from a crash.
    ...['-action', 'shutdown=pause'],
    ...['-chardev', `file,id=serial0,path=${escaped(plan.console)}`, '-serial', 'chardev:serial0'],
    ...['-chardev', `socket,id=monitor0,path=${escaped(plan.monitor)},server=on,wait=off`],
    ...['-mon', 'chardev=monitor0,mode=control'],
    ...plan.disks.flatMap((disk, index) => diskArguments(disk, { index, nbdSocket: plan.nbdSocket })),
    ...['-netdev', netdev(plan), '-device', 'virtio-net-pci,netdev=n0,romfile='],
  ];
}

function firmwareArguments(firmware: Firmware | undefined): string[] {
  if (!firmware) return [];
  return [
    ...['-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${escaped(firmware.code)}`],
    ...['-drive', `if=pflash,format=raw,unit=1,file=${escaped(firmware.variables)}`],
  ];
}

function diskArguments(disk: OverlaidDisk, { index, nbdSocket }: { index: number; nbdSocket: string }): string[] {
  const node = `disk${index}`;
  const base = {
    driver: 'nbd',
    'node-name': `base${index}`,
    'read-only': true,
    server: { type: 'unix', path: nbdSocket },
    export: disk.exportName,
  };
  const overlay = {
    driver: 'qcow2',
    'node-name': node,
    file: { driver: 'file', filename: disk.overlay },
    // Named here and not taken from the overlay's header: the socket is another one each time.
    backing: base['node-name'],
    // A machine to look at: what its overlay loses with the host's power is no loss.
    cache: { 'no-flush': true },
    discard: 'unmap',
  };
  // EC2 shows the volume's id without its dash as the NVMe serial number, which is at most 20 characters long.
  const serial = disk.volumeId.replace('-', '').slice(0, 20);
  const boot = index === 0 ? ',bootindex=0' : '';
  return [
    '-blockdev',
    JSON.stringify(base),
    '-blockdev',
    JSON.stringify(overlay),
    '-device',
    `nvme,drive=${node},serial=${serial}${boot}`,
  ];
}

/** `restrict=on`: no route, no host, no name service; only what the host forwards comes in. */
function netdev({ privateAddress, forwards }: MachinePlan): string {
  const forward = forwards.map(({ hostPort, guestPort }) => `hostfwd=tcp:127.0.0.1:${hostPort}-:${guestPort}`);
  return ['user,id=n0,restrict=on,ipv6=off', ...(privateAddress ? addresses(privateAddress) : []), ...forward].join(
    ',',
  );
}

/** A network of 256 addresses around the machine's own, whose first usable ones DHCP's server needs. */
function addresses(privateAddress: string): string[] {
  const [a, b, c, d = 0] = privateAddress.split('.').map(Number);
  const [host, dns] = [1, 2, 3].filter((last) => last !== d);
  const prefix = `${a}.${b}.${c}`;
  return [`net=${prefix}.0/24,host=${prefix}.${host},dns=${prefix}.${dns},dhcpstart=${privateAddress}`];
}

/** QEMU ends a value at a comma; two stand for one. */
function escaped(path: string): string {
  return path.replaceAll(',', ',,');
}
