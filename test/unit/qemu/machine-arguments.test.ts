import { expect, test } from 'vitest';
import { type MachinePlan, machineArguments } from '../../../src/qemu/machine-arguments.ts';

const PLAN: MachinePlan = {
  name: 'understudy-20261123T023107Z-9f2c0001',
  accelerator: 'tcg',
  cpus: 2,
  memoryMiB: 1024,
  firmware: undefined,
  disks: [
    { volumeId: 'vol-0a1b2c3d4e5f60001', exportName: 'vol-0a1b2c3d4e5f60001', overlay: '/o/root.qcow2' },
    { volumeId: 'vol-0a1b2c3d4e5f60002', exportName: 'vol-0a1b2c3d4e5f60002', overlay: '/o/data.qcow2' },
  ],
  nbdSocket: '/s/nbd.sock',
  privateAddress: '10.20.1.77',
  forwards: [{ hostPort: 15432, guestPort: 5432 }],
  monitor: '/s/monitor.sock',
  console: '/o/a,b/console.log',
};

const valuesOf = (args: readonly string[], option: string) =>
  args.flatMap((arg, i) => (arg === option ? [args[i + 1]] : []));

test('the network leads nowhere: restricted, with the forwarded ports on the loopback alone', () => {
  const [netdev] = valuesOf(machineArguments(PLAN), '-netdev');
  expect(netdev).toBe(
    'user,id=n0,restrict=on,ipv6=off,net=10.20.1.0/24,host=10.20.1.1,dns=10.20.1.2,dhcpstart=10.20.1.77,hostfwd=tcp:127.0.0.1:15432-:5432',
  );
});

test.each([
  { privateAddress: '10.0.0.1', server: 'host=10.0.0.2,dns=10.0.0.3' },
  { privateAddress: '10.0.0.2', server: 'host=10.0.0.1,dns=10.0.0.3' },
])('DHCP is served from another address than $privateAddress', ({ privateAddress, server }) => {
  expect(valuesOf(machineArguments({ ...PLAN, privateAddress }), '-netdev')[0]).toContain(server);
});

test('every disk is read from its export and written to its overlay, and the firmware boots the first', () => {
  const args = machineArguments(PLAN);
  const nodes = valuesOf(args, '-blockdev').map((text) => JSON.parse(text ?? ''));
  expect(nodes).toMatchObject([
    { driver: 'nbd', 'node-name': 'base0', 'read-only': true, export: 'vol-0a1b2c3d4e5f60001' },
    { driver: 'qcow2', 'node-name': 'disk0', backing: 'base0', file: { filename: '/o/root.qcow2' } },
    { driver: 'nbd', 'node-name': 'base1', 'read-only': true, export: 'vol-0a1b2c3d4e5f60002' },
    { driver: 'qcow2', 'node-name': 'disk1', backing: 'base1', file: { filename: '/o/data.qcow2' } },
  ]);
  expect(valuesOf(args, '-device').filter((device) => device?.startsWith('nvme'))).toEqual([
    'nvme,drive=disk0,serial=vol0a1b2c3d4e5f60001,bootindex=0',
    'nvme,drive=disk1,serial=vol0a1b2c3d4e5f60002',
  ]);
});

test('a comma in a path ends no value', () => {
  expect(valuesOf(machineArguments(PLAN), '-chardev')[0]).toContain('path=/o/a,,b/console.log');
});

test('UEFI gets its own variables, BIOS nothing', () => {
  expect(valuesOf(machineArguments(PLAN), '-drive')).toEqual([]);
  const firmware = { code: '/f/code.fd', variables: '/o/variables.fd' };
  expect(valuesOf(machineArguments({ ...PLAN, firmware }), '-drive')).toEqual([
    'if=pflash,format=raw,unit=0,readonly=on,file=/f/code.fd',
    'if=pflash,format=raw,unit=1,file=/o/variables.fd',
  ]);
});
