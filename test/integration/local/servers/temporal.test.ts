import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { adoptTemporal, startTemporal, type TemporalServer } from '../../../../local/servers/temporal.ts';
import { readProcessIdentity } from '../../../../setup/process-identity.mjs';

const PHASE = defineSearchAttributeKey('UnderstudyPhase', SearchAttributeType.KEYWORD);
const SEARCH_ATTRIBUTES = [{ name: PHASE.name, type: 'Keyword' }] as const;

let stateDir: string;
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'understudy-temporal-'));
});
afterEach(async () => {
  await adoptTemporal(stateDir)?.stop();
  await rm(stateDir, { recursive: true, force: true });
});

test('a workflow with a search attribute of ours survives a restart on the same folder and address', async () => {
  const first = await startTemporal({ stateDir, searchAttributes: SEARCH_ATTRIBUTES, headless: true });
  await connected(first, async (client) => {
    await client.workflow.start('anything', {
      workflowId: 'w',
      taskQueue: 'nobody',
      typedSearchAttributes: new TypedSearchAttributes([{ key: PHASE, value: 'archive' }]),
    });
  });
  await first.stop();
  const port = Number(first.address.split(':')[1]);
  const second = await startTemporal({ stateDir, searchAttributes: SEARCH_ATTRIBUTES, headless: true, port });
  expect(second.address).toBe(first.address);
  await connected(second, async (client) => {
    const { status, typedSearchAttributes } = await client.workflow.getHandle('w').describe();
    expect(status.name).toBe('RUNNING');
    expect(typedSearchAttributes.get(PHASE)).toBe('archive');
  });
});

test('the web interface answers where the server says, and a headless server has none', async () => {
  const server = await startTemporal({ stateDir });
  const page = await fetch(server.ui ?? 'no address');
  expect(page.status).toBe(200);
  expect(await page.text()).toContain('<html');
  await server.stop();
  expect((await startTemporal({ stateDir, headless: true })).ui).toBeNull();
});

test('a running server is found by its folder, and stopping it so leaves no process', async () => {
  const server = await startTemporal({ stateDir, headless: true, detached: true });
  const adopted = adoptTemporal(stateDir);
  expect(adopted).toMatchObject({ pid: server.pid, address: server.address, namespace: 'default', ui: null });
  await adopted?.stop();
  expect(readProcessIdentity(server.pid)).toBeUndefined();
  expect(adoptTemporal(stateDir)).toBeUndefined();
});

async function connected(
  { address, namespace }: TemporalServer,
  use: (client: Client) => Promise<void>,
): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    await use(new Client({ connection, namespace }));
  } finally {
    await connection.close();
  }
}
