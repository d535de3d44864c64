import type { InstanceTypeInfo } from '@aws-sdk/client-ec2';
import type { Check } from '../../contract/check.ts';
import type { PreflightRequest } from '../platform.ts';

/** Whether a machine of the source's type takes what stands beside the source's volumes. */
export function volumeRoomCheck(
  { machine, beside }: Pick<PreflightRequest, 'machine' | 'beside'>,
  type: InstanceTypeInfo | undefined,
): Check {
  const name = 'volume-room';
  const { instanceType, volumes } = machine;
  const needed = `${volumes.length} volumes and ${beside.join(' and ')}`;
  const room = attachableVolumes(type);
  if (room === undefined) return { name, verdict: 'holds', found: `${instanceType} names no limit for ${needed}` };
  const found = `${instanceType} takes ${room} volumes, for ${needed}`;
  if (volumes.length + beside.length <= room) return { name, verdict: 'holds', found };
  const remedy = 'Detach or merge volumes, or change the instance to a type that takes more (EC2: EBS volume limits).';
  return { name, verdict: 'broken', found, remedy };
}

/** A shared limit counts network interfaces, of which our machines have one, and instance store disks, which come by themselves. */
function attachableVolumes(type: InstanceTypeInfo | undefined): number | undefined {
  const { MaximumEbsAttachments: most, AttachmentLimitType: kind } = type?.EbsInfo ?? {};
  if (most === undefined || kind !== 'shared') return most;
  const stores = type?.InstanceStorageInfo?.Disks?.reduce((sum, { Count = 1 }) => sum + Count, 0) ?? 0;
  return most - 1 - stores;
}
