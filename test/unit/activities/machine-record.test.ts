import { expect, test } from 'vitest';
import { draftOf } from '../../../src/activities/commit.ts';
import { machineOf, recordMachine } from '../../../src/activities/machine-record.ts';
import type { MachineFacts } from '../../../src/contract/machine.ts';
import { ManifestDraft } from '../../../src/vault/index.ts';
import { CLEAN, machineFacts, ownMachine, resolvedBackup, VOLUMES } from '../../support/fake-activities.ts';

const RUN = {
  runId: '20261123T023107Z-9f2c01ab',
  deploymentId: '6f1b2c9e-0000-4000-8000-000000000001',
  workflowId: 'instance-backup/0/l/i-1',
  temporalRunId: 't',
  sourceId: 'i-0123456789abcdef0',
  expiresAt: '2026-11-24T00:00:00.000Z',
};
const MAP = {
  runId: RUN.runId,
  mapId: '0'.repeat(64),
  mapBytes: 1,
  storedBlocks: 8,
  storedBytes: 4096,
  packs: 1,
  volumeDigest: '0'.repeat(64),
};

function draft(machine: MachineFacts): ManifestDraft {
  return draftOf(
    {
      run: RUN,
      backup: resolvedBackup(RUN.sourceId),
      machine,
      capture: { startTime: '2026-11-23T02:31:07Z', snapshots: [] },
      clone: ownMachine('clone', 1),
      snapshots: [],
      volumes: VOLUMES.map((volumeId) => ({
        volumeId,
        deviceName: '/dev/sda1',
        volumeBytes: 1,
        bytesRead: 1,
        bytesStored: 1,
        blocks: 1,
        holes: 0,
        bytesReused: 0,
        blocksAudited: 0,
        base: null,
        byHints: false,
        map: MAP,
        changes: null,
      })),
      consistency: CLEAN,
      evidence: [],
    },
    'understudy 0',
  );
}

test.each<[string, Partial<MachineFacts>]>([
  ['as it is', {}],
  ['with an address', { privateAddress: '10.0.0.5' }],
  [
    'with UEFI variables of 64 KiB',
    { boot: { ...machineFacts('i').boot, bootMode: 'uefi', uefiData: 'QUJD'.repeat(16_384) } },
  ],
  ['with devices and codes that a person accepted', { uncapturedDevices: ['/dev/sdb'], productCodes: ['abc'] }],
])('a machine %s comes back from the manifest so that its like can be launched', (_, change) => {
  const machine = { ...machineFacts(RUN.sourceId), ...change };
  const written = ManifestDraft.parse(JSON.parse(JSON.stringify(draft(machine))));
  expect(machineOf(written.machine, written.volumes)).toEqual(machine);
});

test('the verdict stands in the manifest in its own words, with every proof', () => {
  const { consistency, capture } = draft(machineFacts(RUN.sourceId));
  expect(consistency).toMatchObject({ atLeast: 'clean-shutdown', disks: 'clean-shutdown' });
  expect(consistency.proofs).toEqual([
    { name: 'postgresql recovered', verdict: 'proven', text: 'it answered before the shutdown' },
  ]);
  expect(capture.capturedAt).toBe('2026-11-23T02:31:07.000Z');
});

test('the name of a machine is its Name tag', () => {
  expect(recordMachine(machineFacts('i-1'), 'ec2').name).toBe('db');
});
