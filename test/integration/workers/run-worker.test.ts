import { afterAll, beforeAll, expect, test } from 'vitest';
import { BackupClient } from '../../../src/client/index.ts';
import { startTestTemporal, type TestTemporal } from '../../support/temporal-server.ts';
import { startWorkerProcess } from '../../support/worker-process.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await startTestTemporal();
});
afterAll(() => temporal.stop());

const startWorker = (role: 'control' | 'mover') =>
  startWorkerProcess(role, {
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    UNDERSTUDY_DEPLOYMENT_ID: '6f1b2c9e-1111-4222-8333-444455556666',
    AWS_REGION: 'local-1',
  });

test('the control worker answers mistakes of people with the field, and ends in order when told', async () => {
  const worker = await startWorker('control');
  const run = await new BackupClient(temporal.client).start({ instanceId: 'web-1' });
  await expect(run.result()).rejects.toMatchObject({
    code: 'InvalidInput',
    message: expect.stringMatching(/must look like i-0123456789abcdef0.*instanceId.*for example/),
  });
  expect(await worker.end()).toBe(0);
});

test('the mover starts without configured servers in reach, and ends in order when told', async () => {
  const worker = await startWorker('mover');
  expect(await worker.end()).toBe(0);
});
