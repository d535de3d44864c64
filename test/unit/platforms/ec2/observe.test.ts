import { expect, test } from 'vitest';
import { readConsole, screenshot } from '../../../../src/platforms/ec2/observe.ts';
import { answerEc2 } from '../../../support/ec2-answers.ts';
import { TEST_RUN as run } from '../../../support/test-run.ts';

const NEVER = new AbortController().signal;

function machine(state: string): string {
  const tags = Object.entries({ deployment: run.deploymentId, run: run.runId, role: 'clone' }).map(
    ([key, value]) => `<item><key>understudy:${key}</key><value>${value}</value></item>`,
  );
  return `<reservationSet><item><instancesSet><item><instanceId>i-2</instanceId><instanceState><name>${state}</name></instanceState>
    <tagSet>${tags.join('')}</tagSet></item></instancesSet></item></reservationSet>`;
}

const answering = (state: string) =>
  answerEc2((action) => {
    if (action === 'DescribeInstances') return state === 'forgotten' ? '<reservationSet/>' : machine(state);
    const field = action === 'GetConsoleOutput' ? 'output' : 'imageData';
    return `<instanceId>i-2</instanceId><${field}>${Buffer.from('seen').toString('base64')}</${field}>`;
  });

test.each([
  [readConsole, 'GetConsoleOutput'],
  [screenshot, 'GetConsoleScreenshot'],
] as const)('a look at a running machine is two calls, one of them a describe (%o)', async (read, action) => {
  const { context, of } = await answering('running');
  const sight = await read(context, run, 'i-2', NEVER);
  expect(sight).toEqual({ observation: { state: 'running' }, bytes: Buffer.from('seen') });
  expect([of('DescribeInstances'), of(action)].map((calls) => calls.length)).toEqual([1, 1]);
});

test('a machine that is off has a console, and no screen to ask for', async () => {
  const { context, of } = await answering('stopped');
  expect((await readConsole(context, run, 'i-2', NEVER)).bytes).toEqual(Buffer.from('seen'));
  expect(await screenshot(context, run, 'i-2', NEVER)).toEqual({ observation: { state: 'stopped' }, bytes: undefined });
  expect(of('GetConsoleScreenshot')).toEqual([]);
});

test('a machine that EC2 has forgotten was terminated', async () => {
  const { context } = await answering('forgotten');
  for (const read of [readConsole, screenshot])
    expect(await read(context, run, 'i-2', NEVER)).toEqual({ observation: { state: 'terminated' }, bytes: undefined });
});
