import { join } from 'node:path';

/** Where the cloud's disk files lie below its state folder. */
export const FOLDERS = ['volumes', 'snapshots', 'm', 'consoles'] as const;

/** Sparse: block n of the snapshot at n × 512 KiB, but only the blocks that changed since its parent. */
export function snapshotData(stateDir: string, snapshotId: string): string {
  return join(stateDir, 'snapshots', `${snapshotId}.data`);
}

/** What QEMU opens: a qcow2 header and tables over the data file, standing on the parent's. */
export function snapshotDisk(stateDir: string, snapshotId: string): string {
  return join(stateDir, 'snapshots', `${snapshotId}.qcow2`);
}

export function volumeFolder(stateDir: string, volumeId: string): string {
  return join(stateDir, 'volumes', volumeId);
}

export function layerFile(stateDir: string, volumeId: string, layer: number): string {
  return join(volumeFolder(stateDir, volumeId), `${layer}.qcow2`);
}

/** QEMU's name for an open layer: at most 31 characters, a letter first. `v` + 17 digits + `-` + the layer's number. */
export function layerNode(file: string): string {
  const match = /vol-([0-9a-f]+)\/(\d+)\.qcow2$/.exec(file);
  if (match === null) throw new Error(`not a layer's file: ${file}`);
  return `v${match[1]}-${match[2]}`;
}

/** Unix sockets, relative to the state folder: a path in an address has at most 107 bytes. */
export function monitorSocket(instanceId: string): string {
  return join('m', `${instanceId}.qmp`);
}

/** Where a machine's relay finds the port of its metadata service. */
export function metadataPortFile(instanceId: string): string {
  return join('m', `${instanceId}.imds-port`);
}

/** Where its relay finds the port of its door to Systems Manager. */
export function ssmPortFile(instanceId: string): string {
  return join('m', `${instanceId}.ssm-port`);
}

export function consoleFile(stateDir: string, instanceId: string): string {
  return join(stateDir, 'consoles', `${instanceId}.log`);
}

/** Read by the ledger relay of every machine at each connection, so that the port may change while they run. */
export const LEDGER_PORT_FILE = join('m', 'ledger-port');
