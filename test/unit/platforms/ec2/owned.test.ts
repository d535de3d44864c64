import { expect, test } from 'vitest';
import { claimInstance, ownedInstances } from '../../../../src/platforms/ec2/owned.ts';
import { answerEc2 } from '../../../support/ec2-answers.ts';
import { TEST_RUN as run } from '../../../support/test-run.ts';

const NEVER = new AbortController().signal;
const OURS = { deployment: run.deploymentId, run: run.runId, role: 'clone' };

function machine(id: string, tags: Readonly<Record<string, string>>): string {
  const items = Object.entries(tags).map(
    ([key, value]) => `<item><key>understudy:${key}</key><value>${value}</value></item>`,
  );
  return `<reservationSet><item><instancesSet><item><instanceId>${id}</instanceId><instanceState><name>running</name></instanceState>
    <tagSet>${items.join('')}</tagSet></item></instancesSet></item></reservationSet>`;
}

test.each([
  { id: 'i-x', tags: { ...OURS, run: '20261124T000000Z-00000002' }, why: 'of another run' },
  { id: 'i-x', tags: { ...OURS, deployment: 'other' }, why: 'of another deployment' },
  { id: 'i-x', tags: { deployment: OURS.deployment, run: OURS.run }, why: 'without a role, which may be for people' },
  { id: 'i-production', tags: OURS, why: 'that is production, however it is tagged' },
])('a machine $why is never ours to change, also when the endpoint ignores filters', async ({ id, tags }) => {
  const { context } = await answerEc2(() => machine(id, tags));
  expect(await ownedInstances(context, run, NEVER)).toEqual([]);
  await expect(claimInstance(context, run, id, NEVER)).rejects.toMatchObject({ code: 'ResourceNotOurs' });
});

test('a machine with the tags of deployment, run and role is ours', async () => {
  const { context } = await answerEc2(() => machine('i-clone', OURS));
  expect((await claimInstance(context, run, 'i-clone', NEVER)).owned.id).toBe('i-clone');
});
