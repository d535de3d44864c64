/**
 * Made the golden vault, once: `node test/golden/v1/make.ts <new empty folder>`. It is never made again: a reader that
 * does not read these very bytes any more has lost every vault there is. Fixed keys, nonces and times.
 */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFileKeyService } from '../../../src/vault/file/file-keys.ts';
import { createFileStore } from '../../../src/vault/file/file-store.ts';
import {
  archiveShard,
  attest,
  BLOCK_BYTES,
  beginRun,
  commitPoint,
  fenceRun,
  finishVolume,
  initVault,
  openVault,
  writeChangeSet,
  writeEvidence,
} from '../../../src/vault/index.ts';
import { goldenDraft, goldenSession, goldenVolumes, POINT_ID, seeded, TIME, VERIFY_RUN_ID } from './content.ts';

const folder = process.argv[2];
if (folder === undefined) throw new Error('name a new empty folder');
const signal = new AbortController().signal;
const keyFile = join(folder, 'key');
await writeFile(keyFile, `${createHash('sha256').update('golden key').digest('hex')}\n`);
const store = createFileStore(join(folder, 'vault'));
const keys = createFileKeyService(keyFile, seeded('golden roots'));
const clock = { now: () => new Date(TIME), sleep: async () => {} };
const request = { store, keys, clock, randomBytes: seeded('golden nonces'), signal };
await initVault(request);
const mover = await openVault({ ...request, roles: ['data', 'meta'] });
const control = await openVault({ ...request, roles: ['meta', 'control'] });

const runId = POINT_ID;
await beginRun({ vault: mover, session: goldenSession(), signal });
const maps = new Map();
const digests: Record<string, string> = {};
for (const [volumeId, source] of goldenVolumes()) {
  for (const shard of source.volumeBytes > 8192 * BLOCK_BYTES ? [0, 1] : [0]) {
    await archiveShard({ vault: mover, runId, volumeId, shard, shardSegments: 1, source, signal });
  }
  const { volumeBytes } = source;
  maps.set(volumeId, await finishVolume({ vault: mover, runId, volumeId, volumeBytes, shardSegments: 1, signal }));
  digests[volumeId] = source.sha256();
}
const volumeId = 'vol-0aaaaaaaaaaaaaaaa';
const indexes = (async function* () {
  yield* [0, 3, 8193];
})();
const changes = await writeChangeSet({ vault: mover, runId, volumeId, volumeBytes: 8195 * BLOCK_BYTES, indexes, signal });
const text = new TextEncoder().encode('[    0.000000] Linux version 6.1\n[    4.2] reboot: Power down\n'.repeat(40));
const contentType = 'text/plain; charset=utf-8';
const evidence = await writeEvidence({ vault: mover, runId, name: 'console.txt', contentType, bytes: text, signal });
await commitPoint({ vault: mover, draft: goldenDraft({ maps, changes, evidence }), signal });
await attest({
  vault: control,
  attestation: {
    pointId: POINT_ID,
    runId: VERIFY_RUN_ID,
    verdict: 'passed',
    startedAt: TIME,
    finishedAt: TIME,
    toolVersion: '0.1.0',
    workflow: { workflowId: `verify/${POINT_ID}/${VERIFY_RUN_ID}`, temporalRunId: 'golden' },
    consistency: { disks: { claimed: 'clean-shutdown', verdict: 'confirmed' }, agents: {} },
    checks: [{ name: 'postgresql answers', ok: true, text: 'select 1 gave 1' }],
    evidence: [],
  },
  signal,
});
await fenceRun({ vault: control, runId: '20260102T030405Z-0000dead', reason: 'its workflow was terminated', signal });
await writeFile(join(folder, 'volumes.json'), `${JSON.stringify(digests, null, 2)}\n`);
await mover.close();
await control.close();
