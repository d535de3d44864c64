import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findServer, launchServer, ServerError, type ServerLaunch } from '../../../../local/servers/server-process.ts';
import { readProcessIdentity } from '../../../../setup/process-identity.mjs';
import { waitFor } from '../../../support/wait-for.ts';

let stateDir: string;
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'understudy-server-'));
});
afterEach(async () => {
  await findServer(stateDir, 'program')?.server.stop();
  await rm(stateDir, { recursive: true, force: true });
});

test('a server that ends before it answers is reported with the end of its log', async () => {
  const started = launchServer({ ...shell('echo no such option >&2; exit 3'), isReady: async () => false });
  await expect(started).rejects.toThrow(/program ended before it answered\. Its log ends:\nno such option/);
});

test('a server that never answers is stopped at the limit', async () => {
  const started = launchServer({ ...shell('echo up; exec sleep 100'), isReady: async () => false, readyLimitMs: 300 });
  await expect(started).rejects.toThrow(ServerError);
  await expect(started).rejects.toThrow(/did not answer within 0.3 s/);
  expect(findServer(stateDir, 'program')).toBeUndefined();
});

test('stopping ends what the server started, too', async () => {
  const server = await launchServer(shell(`sleep 100 & echo $! > ${stateDir}/child; wait`));
  const child = Number(await readFile(join(stateDir, 'child'), 'utf8'));
  await server.stop();
  expect(readProcessIdentity(server.pid)).toBeUndefined();
  // It got the same signal; on a busy host it takes it a moment later.
  const isGone = async () => (readProcessIdentity(child) ? undefined : true);
  await waitFor(isGone, { limitMs: 30_000, what: 'the end of what the server started' });
});

test('a process that got the id of a server that has ended is neither found nor stopped', async () => {
  const innocent = spawn('sleep', ['100']);
  const identity = readProcessIdentity(innocent.pid ?? 0);
  const record = { identity: { ...identity, startTicks: '1' }, facts: {} };
  await writeFile(join(stateDir, 'program.pid.json'), JSON.stringify(record));
  expect(findServer(stateDir, 'program')).toBeUndefined();
  expect(readProcessIdentity(innocent.pid ?? 0)).toEqual(identity);
  innocent.kill();
});

function shell(script: string): ServerLaunch {
  return {
    name: 'program',
    command: '/bin/sh',
    args: ['-c', script],
    stateDir,
    detached: false,
    facts: {},
    // Ready once the script has written its file, for the test that reads it; at once for one that does not.
    isReady: async () => !script.includes('child') || (await readFile(join(stateDir, 'child'), 'utf8')) !== '',
  };
}
