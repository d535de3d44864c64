/**
 * Made the second golden vault, once: `node test/golden/v1-lived/make.ts`. It refuses to do so again: a reader that does not read
 * these very bytes any more has lost every vault there is. Age wraps are random, all else is seeded.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { createAgeRecipient } from '../../../src/vault/age/age-recipient.ts';
import { createFileKeyService } from '../../../src/vault/file/file-keys.ts';
import { createFileStore } from '../../../src/vault/file/file-store.ts';
import {
  addRecipient,
  archiveShard,
  attest,
  BLOCK_BYTES,
  beginRun,
  commitPoint,
  expirePoint,
  fenceRun,
  finishVolume,
  holdPoint,
  initVault,
  openParentVolume,
  openVault,
  planCollection,
  readPoint,
  releasePoint,
  rotateKeys,
  surveyVault,
  verifyVault,
  writeChangeSet,
  writeEvidence,
} from '../../../src/vault/index.ts';
import { goldenDraft, seeded } from '../v1/content.ts';
import { ABANDONED, contentOf, DEAD, FIRST, GC_ID, HOLD_ID, RELEASED_ID, SECOND, sessionOf, THIRD, VERIFY, VOLUME } from './content.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
if (existsSync(join(folder, 'vault'))) throw new Error('the golden vault is there, and is never made again');
const signal = new AbortController().signal;
const keyFile = join(folder, 'key');
await writeFile(keyFile, `${createHash('sha256').update('lived golden key').digest('hex')}\n`);
const identity = await generateX25519Identity();
const recipient = createAgeRecipient(await identityToRecipient(identity));
await writeFile(join(folder, 'identity'), `# public key: ${recipient.keyId}\n${identity}\n`);
const store = createFileStore(join(folder, 'vault'));
const keys = createFileKeyService(keyFile, seeded('lived roots'));
let hours = 0;
const clock = { now: () => new Date(Date.UTC(2026, 1, 1, hours)), sleep: async () => {} };
const request = { store, keys, clock, randomBytes: seeded('lived nonces'), signal };
await initVault(request);
const vault = await openVault({ ...request, roles: ['data', 'meta', 'control'] });

async function archive(runId: string, parentId?: string) {
  hours++;
  const source = contentOf(runId);
  const { volumeBytes } = source;
  await beginRun({ vault, session: sessionOf(runId, clock.now(), parentId ? [parentId] : []), signal });
  const before = parentId ? await readPoint({ vault, pointId: parentId, signal }) : undefined;
  const [old] = before?.volumes ?? [];
  const parent =
    before && old && (await openParentVolume({ vault, pointId: before.pointId, volumeId: VOLUME, map: old.map, signal }));
  for (const shard of [0, 1]) {
    const base = parent ? { parent } : {};
    await archiveShard({ vault, runId, volumeId: VOLUME, shard, shardSegments: 1, source, signal, ...base });
  }
  const map = await finishVolume({ vault, runId, volumeId: VOLUME, volumeBytes, shardSegments: 1, signal });
  return { map, old, volumeBytes };
}

async function backUp(runId: string, parentId?: string) {
  const { map, old, volumeBytes } = await archive(runId, parentId);
  const indexes = (async function* () {
    yield* [0, 8];
  })();
  const changes = await writeChangeSet({ vault, runId, volumeId: VOLUME, volumeBytes, indexes, signal });
  const bytes = new TextEncoder().encode(`console of ${runId}\n`);
  const evidence = await writeEvidence({ vault, runId, name: 'console.txt', contentType: 'text/plain', bytes, signal });
  const { volumes, ...draft } = goldenDraft({ maps: new Map([['vol-0aaaaaaaaaaaaaaaa', map], ['vol-0bbbbbbbbbbbbbbbb', map]]), changes, evidence });
  const [volume] = volumes;
  if (!volume) throw new Error('the draft has volumes');
  await commitPoint({
    vault,
    draft: {
      ...draft,
      pointId: runId,
      capture: { ...draft.capture, capturedAt: clock.now().toISOString() },
      volumes: [{ ...volume, volumeId: VOLUME, volumeBytes, map, changes }],
      parents: parentId && old ? [{ volumeId: VOLUME, pointId: parentId, mapId: old.map.mapId }] : [],
    },
    signal,
  });
}

await backUp(FIRST);
await backUp(SECOND, FIRST);
await addRecipient({ vault, recipient, signal });
await rotateKeys({ vault, service: keys, openRecipient: () => recipient, signal });
await backUp(THIRD, SECOND);
await archive(DEAD);
await fenceRun({ vault, runId: ABANDONED, reason: 'its workflow was terminated', signal });
await attest({
  vault,
  attestation: {
    pointId: THIRD,
    runId: VERIFY,
    verdict: 'passed',
    startedAt: clock.now().toISOString(),
    finishedAt: clock.now().toISOString(),
    toolVersion: '0.1.0',
    workflow: { workflowId: `verify/${THIRD}/${VERIFY}`, temporalRunId: 'golden' },
    consistency: { disks: { claimed: 'clean-shutdown', verdict: 'confirmed' }, agents: {} },
    checks: [],
    evidence: [],
  },
  signal,
});
await expirePoint({ vault, pointId: FIRST, reason: 'no rule of the retention policy keeps it', signal });
await holdPoint({ vault, pointId: THIRD, holdId: RELEASED_ID, reason: 'an auditor asked', signal });
await releasePoint({ vault, pointId: THIRD, reason: 'the auditor is done', signal });
await holdPoint({ vault, pointId: SECOND, holdId: HOLD_ID, reason: 'a court asked', signal });
const survey = await surveyVault({ vault, isDead: async ({ runId }) => (runId === DEAD ? 'its workflow is gone' : undefined), signal });
await planCollection({ vault, gcId: GC_ID, survey, toolVersion: '0.1.0', signal });
await verifyVault({ vault, level: 'sample', signal });
const digests = Object.fromEntries([FIRST, SECOND, THIRD].map((id) => [id, { [VOLUME]: contentOf(id).sha256() }]));
await writeFile(join(folder, 'volumes.json'), `${JSON.stringify(digests, null, 2)}\n`);
await vault.close();
process.stdout.write(`${BLOCK_BYTES * 8200} bytes each\n`);
