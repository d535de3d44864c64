import type { InstanceTypeInfo } from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { volumeRoomCheck } from '../../../../src/platforms/ec2/volume-room.ts';
import { machineFacts } from '../../../support/fake-activities.ts';

/** Two volumes. */
const machine = machineFacts('i-1');
const [SCRATCH, OUTPUT] = ['the scratch volume', "the agents' output"] as const;
const STORE = { Disks: [{ Count: 2 }] };

test.each<{ what: string; type: InstanceTypeInfo | undefined; beside: string[]; verdict: 'holds' | 'broken' }>([
  { what: 'no limit', type: undefined, beside: [SCRATCH, OUTPUT], verdict: 'holds' },
  { what: '3', type: { EbsInfo: { MaximumEbsAttachments: 3 } }, beside: [SCRATCH], verdict: 'holds' },
  { what: '3', type: { EbsInfo: { MaximumEbsAttachments: 3 } }, beside: [SCRATCH, OUTPUT], verdict: 'broken' },
  {
    what: '3 that its interface shares',
    type: { EbsInfo: { MaximumEbsAttachments: 3, AttachmentLimitType: 'shared' } },
    beside: [SCRATCH],
    verdict: 'broken',
  },
  {
    what: '5 that its interface and two disks of instance store share',
    type: { EbsInfo: { MaximumEbsAttachments: 5, AttachmentLimitType: 'shared' }, InstanceStorageInfo: STORE },
    beside: [SCRATCH],
    verdict: 'broken',
  },
])('a type with $what, for two volumes and $beside: $verdict', ({ type, beside, verdict }) => {
  const check = volumeRoomCheck({ machine, beside }, type);
  expect(check.verdict).toBe(verdict);
  expect(check.found).toContain(`2 volumes and ${beside.join(' and ')}`);
  expect(check.remedy !== undefined).toBe(verdict === 'broken');
});
