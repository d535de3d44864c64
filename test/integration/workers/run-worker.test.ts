import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BackupClient } from '../../../src/client/index.ts';
import { startTestTemporal, type TestTemporal } from '../../support/temporal-server.ts';
import { waitFor } from '../../support/wait-for.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await startTestTemporal();
});
afterAll(() => temporal.stop());

interface StartedWorker {
  readonly process: ChildProcess;
  readonly said: () => string;
}

async function startWorker(role: 'control' | 'mover'): Promise<StartedWorker> {
  const child = spawn(process.execPath, ['src/cli/main.ts', 'worker', role], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      TEMPORAL_ADDRESS: temporal.address,
      UNDERSTUDY_DEPLOYMENT_ID: '6f1b2c9e-1111-4222-8333-444455556666',
      AWS_REGION: 'local-1',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const ready = async () => {
    if (child.exitCode !== null) throw new Error(`the ${role} worker ended: ${text}`);
    return text.includes('worker is ready') || undefined;
  };
  await waitFor(ready, { limitMs: 60_000, what: `the ${role} worker`, otherwise: async () => text });
  return { process: child, said: () => text };
}

async function end({ process: child }: StartedWorker): Promise<number | null> {
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const [code] = await exit;
  return code;
}

test('the control worker answers mistakes of people with the field, and ends in order when told', async () => {
  const worker = await startWorker('control');
  const run = await new BackupClient(temporal.client).start({ instanceId: 'web-1' });
  await expect(run.result()).rejects.toMatchObject({
    code: 'InvalidInput',
    message: expect.stringMatching(/must look like i-0123456789abcdef0.*instanceId.*for example/),
  });
  expect(await end(worker)).toBe(0);
});

test('the mover starts without configured servers in reach, and ends in order when told', async () => {
  const worker = await startWorker('mover');
  expect(await end(worker)).toBe(0);
});
