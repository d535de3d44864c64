import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BackupClient } from '../../../src/client/index.ts';
import { startTestTemporal, type TestTemporal } from '../../support/temporal-server.ts';
import { temporaryFolder } from '../../support/vault-fixture.ts';
import { startWorkerProcess } from '../../support/worker-process.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await startTestTemporal();
});
afterAll(() => temporal.stop());

const environment = () => ({
  TEMPORAL_ADDRESS: temporal.address,
  TEMPORAL_NAMESPACE: temporal.namespace,
  UNDERSTUDY_DEPLOYMENT_ID: '6f1b2c9e-1111-4222-8333-444455556666',
  AWS_REGION: 'local-1',
});
const startWorker = (role: 'control' | 'mover') => startWorkerProcess(role, environment());

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

test('a worker that is told to end while it starts ends in order', async () => {
  const folder = await temporaryFolder();
  const config = join(folder, 'temporal.config.mjs');
  const isolation = { vpcId: 'vpc-1', subnetId: 'subnet-1', verifySubnetId: 'subnet-2', securityGroupId: 'sg-1' };
  const vault = { url: 'file:///vault', kmsKeyId: 'file:///key' };
  const content = JSON.stringify({ vaults: { main: vault }, isolation: { sealed: isolation } });
  // The configuration is read before there is a worker that Temporal could end; Node hears of a signal between two turns.
  const told = "process.kill(process.pid, 'SIGTERM'); await new Promise((heard) => setTimeout(heard, 100));";
  await writeFile(config, `${told}\nexport default ${content};\n`);
  const worker = spawn(process.execPath, ['src/cli/main.ts', 'worker', 'mover'], {
    cwd: fileURLToPath(new URL('../../../', import.meta.url)),
    env: { PATH: process.env.PATH, ...environment(), UNDERSTUDY_CONFIG: config },
    stdio: 'ignore',
  });
  try {
    expect(await once(worker, 'exit', { signal: AbortSignal.timeout(30_000) })).toEqual([0, null]);
  } finally {
    worker.kill('SIGKILL');
  }
});

test.each([
  { mistake: 'a namespace that is not there', wrong: { TEMPORAL_NAMESPACE: 'nowhere' } },
  { mistake: 'a profile that is not there', wrong: { TEMPORAL_PROFILE: 'nowhere' } },
])('a control worker with $mistake ends, so that its supervisor notices', async ({ wrong }) => {
  const worker = spawn(process.execPath, ['src/cli/main.ts', 'worker', 'control'], {
    cwd: fileURLToPath(new URL('../../../', import.meta.url)),
    env: { PATH: process.env.PATH, ...environment(), ...wrong },
    stdio: 'ignore',
  });
  try {
    expect(await once(worker, 'exit', { signal: AbortSignal.timeout(60_000) })).toEqual([expect.any(Number), null]);
    expect(worker.exitCode).toBeGreaterThan(0);
  } finally {
    worker.kill('SIGKILL');
  }
});
