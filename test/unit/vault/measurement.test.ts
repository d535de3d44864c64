import { expect, test } from 'vitest';
import { type Measurement, readMeasurements, writeMeasurement } from '../../../src/vault/measurement.ts';
import { measurementKey } from '../../../src/vault/object-keys.ts';
import { NEVER, testKeys, testVault } from '../../support/vault-fixture.ts';
import { memoryStore } from '../../support/vault-memory-store.ts';

function measurement(runId: string, changes: Partial<Measurement> = {}): Measurement {
  return {
    runId,
    pointId: '20261120T000000Z-00000001',
    machineId: 'i-own',
    kind: 'instance',
    startedAt: '2026-11-20T01:00:00.000Z',
    toolVersion: 'test',
    where: { platform: 'ec2', place: 'local-1' },
    bytes: 4096,
    phases: [{ phase: 'restore', ms: 5 }],
    ...changes,
  };
}
const [OLD, NEW, OTHER] = [
  '20261120T010000Z-00000001',
  '20261121T010000Z-00000002',
  '20261122T010000Z-00000003',
] as const;

test('measurements come newest first, whichever machine they are of, and the first of a run stands', async () => {
  const vault = await testVault({ store: memoryStore(), keys: await testKeys(), roles: ['data', 'meta'] });
  for (const one of [measurement(NEW), measurement(OLD), measurement(OTHER, { machineId: 'a-other' })])
    await writeMeasurement(vault, one, NEVER);
  await writeMeasurement(vault, measurement(NEW, { bytes: 1 }), NEVER);
  const found = await readMeasurements({ vault, limit: 10, signal: NEVER });
  expect(found.map(({ runId }) => runId)).toEqual([OTHER, NEW, OLD]);
  expect(found[1]?.bytes).toBe(4096);
  const own = await readMeasurements({ vault, machineId: 'i-own', limit: 1, signal: NEVER });
  expect(own.map(({ runId }) => runId)).toEqual([NEW]);
});

test('a damaged measurement costs itself only', async () => {
  const vault = await testVault({ store: memoryStore(), keys: await testKeys(), roles: ['meta'] });
  await writeMeasurement(vault, measurement(OLD), NEVER);
  await vault.store.create(measurementKey('i-own', NEW), new TextEncoder().encode('{}'), NEVER);
  const found = await readMeasurements({ vault, limit: 10, signal: NEVER });
  expect(found.map(({ runId }) => runId)).toEqual([OLD]);
});
