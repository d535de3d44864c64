import { expect, test } from 'vitest';
import { beating } from '../../../src/activities/beating.ts';
import { type EvidenceRequest, sealEvidence } from '../../../src/activities/seal-evidence.ts';
import { readEvidence } from '../../../src/vault/index.ts';
import { activityEnvironment } from '../../support/activity.ts';
import { MOVER, NEVER, testKeys, testVault } from '../../support/vault-fixture.ts';
import { memoryStore } from '../../support/vault-memory-store.ts';

const RUN_ID = '20261124T000000Z-00000001';

test('files of a recipe with the longest name that there may be stay apart, and its log keeps its whole name', async () => {
  const vault = await testVault({ store: memoryStore(), keys: await testKeys(), roles: MOVER });
  const recipe = 'r'.repeat(63);
  const ends = ['agent.log', 'agent.json', 'after-agent.log', 'after-agent.json', 'after-agent.status'];
  const files = ends.map((end) => ({
    name: `result-answers/${recipe}.${end}`,
    contentType: 'text/plain',
    bytes: Buffer.from(end),
  }));
  const request = { run: { runId: RUN_ID }, vault: 'main', machine: { role: 'verify', attempt: 12 } };
  const seal = () =>
    beating((beat) => {
      const door = { names: ['main'], open: async () => vault };
      return sealEvidence(door, request as unknown as EvidenceRequest, files, beat);
    });
  const refs: Awaited<ReturnType<typeof seal>> = await activityEnvironment().run(seal);
  expect(refs[0]?.name).toBe(`verify-12-result-answers-${recipe}.agent.log`);
  for (const [index, { name }] of refs.entries()) {
    const ref = { runId: RUN_ID, name };
    const { bytes } = await readEvidence({ vault, ref, signal: NEVER });
    expect(Buffer.from(bytes).toString()).toBe(ends[index]);
  }
});
