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
])('an upload that EC2 could not show is refused: $input', async ({ input, reason }) => {
  await expect(start(input)).rejects.toMatchObject({ code: 'ValidationException', reason });
});
