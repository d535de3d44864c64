import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../../../../local/cloud/cloud.ts';
import { ebsService } from '../../../../../local/cloud/ebs/service.ts';
import { ask, cloudInProcess } from '../../../../support/cloud-in-process.ts';

const home = cloudInProcess();
let cloud: Cloud;
beforeAll(async () => {
  cloud = await home.open();
});
afterAll(() => home.end());

async function start(input: object) {
  const body = Buffer.from(JSON.stringify({ VolumeSize: 1, ...input }));
  return JSON.parse(String((await ask(ebsService, cloud, { path: '/snapshots', body })).body));
}

test.each([
  { input: { Description: 'a\u0000' }, reason: 'INVALID_PARAMETER_VALUE' },
  { input: { Tags: [{ Key: 'a', Value: '\u001B' }] }, reason: 'INVALID_PARAMETER_VALUE' },
  { input: { Tags: [{ Key: '\uD83D', Value: '' }] }, reason: 'INVALID_PARAMETER_VALUE' },
  { input: { Tags: [{ Key: 'aws:a', Value: '' }] }, reason: 'INVALID_TAG' },
  { input: { Tags: [{ Key: 'a' }, { Key: 'a' }] }, reason: 'INVALID_TAG' },
  { input: { Tags: Array.from({ length: 51 }, (_, n) => ({ Key: `k${n}` })) }, reason: 'INVALID_TAG' },
  { input: { Tags: [{ Key: 'a', Value: 'v'.repeat(256) }] }, reason: 'INVALID_TAG' },
  { input: { Timeout: 9 }, reason: 'INVALID_PARAMETER_VALUE' },
  { input: { Timeout: 4_321 }, reason: 'INVALID_PARAMETER_VALUE' },
])('an upload that the service or EC2 would not take is refused: $input', async ({ input, reason }) => {
  await expect(start(input)).rejects.toMatchObject({ code: 'ValidationException', reason });
});

test('an upload may be idle for as long as the service lets it, and carry as many tags', async () => {
  const Tags = Array.from({ length: 50 }, (_, n) => ({ Key: `k${n}`, Value: 'v'.repeat(255) }));
  const { SnapshotId } = await start({ Timeout: 4_320, Tags });
  expect(cloud.db.snapshots.get(SnapshotId)?.upload).toMatchObject({ timeoutMs: 4_320 * 60_000 });
});
