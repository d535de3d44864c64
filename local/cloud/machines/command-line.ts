import { createHash } from 'node:crypto';
import type { Settings } from '../settings.ts';
import { layerNode, monitorSocket } from '../storage/layout.ts';

export interface MachineFacts {
  readonly instanceId: string;
  readonly type: { readonly vcpus: number; readonly memoryMiB: number };
  /** Root first: the firmware boots from it. */
  readonly disks: readonly { readonly volumeId: string; readonly topLayer: string }[];
  readonly netdev: string;
  readonly mac: string;
  readonly consoleFile: string;
}

/** Arguments of one machine: firmware boot from its own root volume, NVMe disks, one card, a screen, a serial port. */
export function machineArguments(facts: MachineFacts, { qemu, flushToDisk }: Settings): string[] {
  const disks = facts.disks.flatMap(({ volumeId, topLayer }, index) => [
    '-blockdev',
    JSON.stringify({
      driver: 'qcow2',
      'node-name': layerNode(topLayer),
      file: { driver: 'file', filename: topLayer },
      cache: { 'no-flush': !flushToDisk },
    }),
    '-device',
    // EC2 shows the volume id without its dash as the NVMe serial number.
    `nvme,drive=${layerNode(topLayer)},serial=${volumeId.replace('-', '')}${index === 0 ? ',bootindex=0' : ''}`,
  ]);
  return [
    ...['-name', facts.instanceId, '-nodefaults', '-display', 'none'],
    ...['-accel', qemu.accel, '-machine', 'q35,hpet=off', '-cpu', qemu.cpu],
    ...['-smbios', `type=1,manufacturer=Amazon EC2,uuid=${systemUuid(facts.instanceId)}`],
    ...['-smp', String(facts.type.vcpus), '-m', String(facts.type.memoryMiB)],
    // A guest that powers itself off waits for us: otherwise a shutdown while the cloud is down would look like a crash.
    ...['-action', 'shutdown=pause'],
    ...['-chardev', `file,id=serial0,path=${facts.consoleFile},append=on`, '-serial', 'chardev:serial0'],
    ...['-qmp', `unix:${monitorSocket(facts.instanceId)},server=on,wait=off`],
    ...disks,
    ...['-netdev', facts.netdev, '-device', `virtio-net-pci,netdev=n0,mac=${facts.mac},romfile=`],
    ...['-device', 'VGA'],
  ];
}

/**
 * By it cloud-init and others know a machine for one of EC2: it begins with `ec2` ("Identify EC2 instances" of the EC2 user
 * guide). The rest is the instance's own.
 */
function systemUuid(instanceId: string): string {
  const digits = `ec2${createHash('sha256').update(instanceId).digest('hex')}`;
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
}
