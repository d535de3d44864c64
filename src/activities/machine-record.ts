import type { MachineFacts, VolumeFacts } from '../contract/machine.ts';
import type { MachineFacts as MachineRecord, ManifestVolume } from '../vault/index.ts';

/** UEFI variables reach 64 KiB in base64; a fact of the manifest holds 16,384 characters (docs/vault-format.md 5.3). */
const UEFI_PIECE = 16_000;

/** A machine as the manifest keeps it; what only its platform understands goes into `facts`. */
export function recordMachine(machine: MachineFacts, platform: string): MachineRecord {
  const { boot } = machine;
  return {
    platform,
    machineId: machine.machineId,
    account: machine.accountId,
    region: machine.region,
    zone: machine.zone,
    name: machine.tags.Name ?? null,
    type: machine.instanceType,
    architecture: boot.architecture,
    bootMode: boot.bootMode ?? null,
    rootDeviceName: boot.rootDeviceName,
    imageId: null,
    tags: { ...machine.tags },
    addresses: machine.privateAddress === undefined ? [] : [machine.privateAddress],
    facts: {
      state: machine.state,
      networkId: machine.networkId,
      subnetId: machine.subnetId,
      virtualization: boot.virtualization,
      enaSupport: boot.enaSupport,
      tpmSupport: boot.tpmSupport ?? null,
      platformDetails: boot.platformDetails,
      metadataTokens: boot.metadataTokens,
      uncapturedDevices: JSON.stringify(machine.uncapturedDevices),
      productCodes: JSON.stringify(machine.productCodes),
      ...piecesOf(boot.uefiData),
    },
  };
}

/** The machine again, as far as launching its like needs it. */
export function machineOf(record: MachineRecord, volumes: readonly ManifestVolume[]): MachineFacts {
  const text = (name: string) => String(record.facts[name] ?? '');
  const tpmSupport = text('tpmSupport');
  const uefiData = joinPieces(record.facts);
  const [privateAddress] = record.addresses;
  return {
    machineId: record.machineId,
    accountId: record.account ?? '',
    region: record.region ?? '',
    zone: record.zone ?? '',
    state: text('state'),
    instanceType: record.type ?? '',
    ...(privateAddress !== undefined && { privateAddress }),
    networkId: text('networkId'),
    subnetId: text('subnetId'),
    tags: record.tags,
    boot: {
      architecture: record.architecture ?? '',
      virtualization: text('virtualization'),
      rootDeviceName: record.rootDeviceName ?? '',
      ...(record.bootMode !== null && { bootMode: record.bootMode }),
      enaSupport: record.facts.enaSupport === true,
      ...(tpmSupport && { tpmSupport }),
      ...(uefiData && { uefiData }),
      platformDetails: text('platformDetails'),
      metadataTokens: text('metadataTokens') === 'optional' ? 'optional' : 'required',
    },
    volumes: volumes.filter(({ role }) => role === 'machine').map(volumeOf),
    uncapturedDevices: listOf(record.facts.uncapturedDevices),
    productCodes: listOf(record.facts.productCodes),
  };
}

export function volumeOf(volume: ManifestVolume): VolumeFacts {
  return {
    volumeId: volume.volumeId,
    deviceName: volume.deviceName,
    bytes: volume.volumeBytes,
    type: volume.type ?? 'gp3',
    ...(volume.iops !== null && { iops: volume.iops }),
    ...(volume.throughput !== null && { throughput: volume.throughput }),
    encrypted: volume.encrypted,
    ...(volume.kmsKeyId !== null && { kmsKeyId: volume.kmsKeyId }),
    multiAttach: false,
    root: volume.root,
  };
}

function piecesOf(uefiData: string | undefined): Record<string, string> {
  const pieces: Record<string, string> = {};
  for (let at = 0; at < (uefiData?.length ?? 0); at += UEFI_PIECE) {
    pieces[`uefiData.${at / UEFI_PIECE}`] = uefiData?.slice(at, at + UEFI_PIECE) ?? '';
  }
  return pieces;
}

function joinPieces(facts: MachineRecord['facts']): string {
  let joined = '';
  for (let n = 0; typeof facts[`uefiData.${n}`] === 'string'; n++) joined += facts[`uefiData.${n}`];
  return joined;
}

function listOf(value: unknown): string[] {
  const parsed: unknown = typeof value === 'string' ? JSON.parse(value) : [];
  return Array.isArray(parsed) ? parsed.map(String) : [];
}
