import { expect, test } from 'vitest';
import { Denials, isDenied } from '../../../../local/cloud/denials.ts';

const CAPTURE = { id: 'snap-0123456789abcdef0', tags: { 'understudy:role': 'capture' } };
const attempt = (action: string, ...touched: (typeof CAPTURE)[]) => ({ accessKeyId: 'AKIDMOVER', action, touched });

test.each([
  { denial: { actions: ['ebs:*'] }, action: 'ebs:GetSnapshotBlock', denied: true },
  { denial: { actions: ['ebs:*'] }, action: 'ec2:DescribeSnapshots', denied: false },
  { denial: { actions: ['ec2:Run*'], resources: [CAPTURE.id] }, action: 'ec2:RunInstances', denied: true },
  {
    denial: { actions: ['ec2:*'], resources: ['arn:aws:ec2:*::snapshot/snap-0*'] },
    action: 'ec2:CreateVolume',
    denied: true,
  },
  { denial: { actions: ['*'], resources: ['snap-f*'] }, action: 'ec2:CreateVolume', denied: false },
  {
    denial: { actions: ['*'], tags: { 'understudy:role': 'capture' } },
    action: 'ebs:ListSnapshotBlocks',
    denied: true,
  },
  {
    denial: { actions: ['*'], tags: { 'understudy:role': 'clone*' } },
    action: 'ebs:ListSnapshotBlocks',
    denied: false,
  },
  { denial: { accessKeyId: 'AKIDOTHER', actions: ['*'] }, action: 'ebs:ListSnapshotBlocks', denied: false },
])('$denial denies $action on the capture: $denied', ({ denial, action, denied }) => {
  expect(isDenied(Denials.parse([denial]), attempt(action, CAPTURE))).toBe(denied);
});
