import type { InstanceTypeInfo } from '@aws-sdk/client-ec2';
import type { Settings } from '../settings.ts';
import { type FilterTable, noneHas } from './filters.ts';

/** A thing without tags of its own; the filter engine asks for them. */
export interface Named {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** The filters of DescribeInstanceTypes: what a type shows is what it is found by. */
export function instanceTypeFilters(settings: Settings): FilterTable<Named> {
  type Values = readonly (string | number | boolean | undefined)[];
  const shown = (read: (type: InstanceTypeInfo) => Values | undefined) => (row: Named) =>
    read(renderType(row.name, settings)) ?? [];
  return {
    'bare-metal': shown(({ BareMetal }) => [BareMetal]),
    'current-generation': shown(({ CurrentGeneration }) => [CurrentGeneration]),
    'ebs-info.ebs-optimized-support': shown(({ EbsInfo }) => [EbsInfo?.EbsOptimizedSupport]),
    'ebs-info.encryption-support': shown(({ EbsInfo }) => [EbsInfo?.EncryptionSupport]),
    'ebs-info.nvme-support': shown(({ EbsInfo }) => [EbsInfo?.NvmeSupport]),
    'hibernation-supported': shown(({ HibernationSupported }) => [HibernationSupported]),
    hypervisor: shown(({ Hypervisor }) => [Hypervisor]),
    'instance-storage-info.total-size-in-gb': shown(({ InstanceStorageInfo }) => [InstanceStorageInfo?.TotalSizeInGB]),
    'instance-storage-supported': shown(({ InstanceStorageSupported }) => [InstanceStorageSupported]),
    'instance-type': ({ name }) => [name],
    'memory-info.size-in-mib': shown(({ MemoryInfo }) => [MemoryInfo?.SizeInMiB]),
    'network-info.ena-support': shown(({ NetworkInfo }) => [NetworkInfo?.EnaSupport]),
    'network-info.ipv4-addresses-per-interface': shown(({ NetworkInfo }) => [NetworkInfo?.Ipv4AddressesPerInterface]),
    'network-info.ipv6-supported': shown(({ NetworkInfo }) => [NetworkInfo?.Ipv6Supported]),
    'network-info.maximum-network-interfaces': shown(({ NetworkInfo }) => [NetworkInfo?.MaximumNetworkInterfaces]),
    'processor-info.supported-architecture': shown(({ ProcessorInfo }) => ProcessorInfo?.SupportedArchitectures),
    'supported-boot-mode': shown(({ SupportedBootModes }) => SupportedBootModes),
    'supported-root-device-type': shown(({ SupportedRootDeviceTypes }) => SupportedRootDeviceTypes),
    'supported-usage-class': shown(({ SupportedUsageClasses }) => SupportedUsageClasses),
    'supported-virtualization-type': shown(({ SupportedVirtualizationTypes }) => SupportedVirtualizationTypes),
    'vcpu-info.default-vcpus': shown(({ VCpuInfo }) => [VCpuInfo?.DefaultVCpus]),
    ...NOT_SHOWN,
  };
}

export function renderType(name: string, { instanceTypes }: Settings): InstanceTypeInfo {
  const { vcpus = 1, memoryMiB = 512, instanceStorageGiB } = instanceTypes[name] ?? {};
  return {
    InstanceType: name as NonNullable<InstanceTypeInfo['InstanceType']>,
    CurrentGeneration: true,
    BareMetal: false,
    Hypervisor: 'nitro',
    ProcessorInfo: { SupportedArchitectures: ['x86_64'] },
    VCpuInfo: { DefaultVCpus: vcpus },
    MemoryInfo: { SizeInMiB: memoryMiB },
    InstanceStorageSupported: instanceStorageGiB !== undefined,
    ...(instanceStorageGiB !== undefined && { InstanceStorageInfo: { TotalSizeInGB: instanceStorageGiB } }),
    EbsInfo: { EbsOptimizedSupport: 'default', EncryptionSupport: 'supported', NvmeSupport: 'required' },
    NetworkInfo: {
      EnaSupport: 'required',
      MaximumNetworkInterfaces: 1,
      Ipv4AddressesPerInterface: 1,
      Ipv6Supported: false,
    },
    SupportedBootModes: ['legacy-bios'],
    SupportedRootDeviceTypes: ['ebs'],
    SupportedUsageClasses: ['on-demand'],
    SupportedVirtualizationTypes: ['hvm'],
    HibernationSupported: false,
  };
}

const NOT_SHOWN = noneHas(
  'auto-recovery-supported',
  'burstable-performance-supported',
  'dedicated-hosts-supported',
  'ebs-info.attachment-limit-type',
  'ebs-info.ebs-optimized-info.baseline-bandwidth-in-mbps',
  'ebs-info.ebs-optimized-info.baseline-iops',
  'ebs-info.ebs-optimized-info.baseline-throughput-in-mbps',
  'ebs-info.ebs-optimized-info.maximum-bandwidth-in-mbps',
  'ebs-info.ebs-optimized-info.maximum-iops',
  'ebs-info.ebs-optimized-info.maximum-throughput-in-mbps',
  'ebs-info.maximum-ebs-attachments',
  'free-tier-eligible',
  'instance-storage-info.disk.count',
  'instance-storage-info.disk.size-in-gb',
  'instance-storage-info.disk.type',
  'instance-storage-info.encryption-support',
  'instance-storage-info.nvme-support',
  'network-info.bandwidth-weightings',
  'network-info.efa-info.maximum-efa-interfaces',
  'network-info.efa-supported',
  'network-info.encryption-in-transit-supported',
  'network-info.flexible-ena-queues-support',
  'network-info.ipv6-addresses-per-interface',
  'network-info.maximum-network-cards',
  'network-info.network-performance',
  'nitro-enclaves-support',
  'nitro-tpm-info.supported-versions',
  'nitro-tpm-support',
  'processor-info.supported-features',
  'processor-info.sustained-clock-speed-in-ghz',
  'reboot-migration-support',
  'vcpu-info.default-cores',
  'vcpu-info.default-threads-per-core',
  'vcpu-info.valid-cores',
  'vcpu-info.valid-threads-per-core',
);
