import { join } from 'node:path';
import type { Accelerator } from '../qemu/choose-accelerator.mjs';
import { EMULATED_CLOCK } from '../qemu/emulated-clock.mjs';
import type { ApplianceFiles } from './ensure-kernel.ts';

// The kernel, Perl and the drivers take 60 MiB; a large XFS or btrfs keeps as much of its tables again.
const MEMORY_MIB = 256;

export interface ApplianceFacts extends ApplianceFiles {
  /** Of its sockets and its console. */
  readonly folder: string;
  readonly monitor: string;
  readonly accelerator: Accelerator;
}

// It lives for seconds and comes from its package: no self-tests of ciphers, no pages cleared twice.
const KERNEL_OPTIONS =
  'console=ttyS0 quiet panic=-1 oops=panic mitigations=off nokaslr random.trust_cpu=on cryptomgr.notests init_on_alloc=0';
// Code that is not patched while it runs: that is translated twice. All of these together: 1.8 s to the first answer in place of 2.4.
const WHEN_EMULATED = `${EMULATED_CLOCK} no_timer_check noreplace-smp`;

/** A kernel, a port to ask at, a console to say why not, and a controller for disks that come later. Nothing else. */
export function applianceArguments({ kernel, initramfs, folder, monitor, accelerator }: ApplianceFacts): string[] {
  const socket = (id: string, path: string) => ['-chardev', `socket,id=${id},path=${path},server=on,wait=off`];
  return [
    ...['-name', 'understudy-reader', '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    // Should a file system take over the kernel and that kernel QEMU, it can start nothing and become nobody else.
    ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    ...['-accel', accelerator, '-machine', 'q35', '-cpu', accelerator === 'kvm' ? 'host' : 'max'],
    ...['-smp', '1', '-m', String(MEMORY_MIB), '-kernel', kernel, '-initrd', initramfs],
    ...['-append', accelerator === 'kvm' ? KERNEL_OPTIONS : `${KERNEL_OPTIONS} ${WHEN_EMULATED}`],
    ...['-chardev', `file,id=console,path=${join(folder, 'console.log')}`, '-serial', 'chardev:console'],
    ...[...socket('monitor', monitor), '-mon', 'chardev=monitor,mode=control'],
    ...['-device', 'virtio-serial-pci', ...socket('port', join(folder, 'port.sock'))],
    ...['-device', 'virtserialport,chardev=port,name=understudy.reader'],
    ...['-device', 'virtio-scsi-pci,id=disks'],
  ];
}
