import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Attestation } from '../../src/vault/attestation.ts';
import { CATALOG } from '../../src/vault/catalog.ts';
import { GC_PAGE, GC_PLAN, GC_REPORT, GC_VERSIONS } from '../../src/vault/collect/gc-documents.ts';
import type { DocumentKind } from '../../src/vault/documents.ts';
import { AUDIT } from '../../src/vault/failed-audit.ts';
import { Fence } from '../../src/vault/fence.ts';
import { Hold, HoldRelease } from '../../src/vault/hold.ts';
import { type Authenticator, decodeDocument, encodeDocument } from '../../src/vault/json-document.ts';
import { controlKeyPair, controlPublicKey } from '../../src/vault/key-ring.ts';
import { KeysDocument } from '../../src/vault/keys-document.ts';
import { MEASUREMENT } from '../../src/vault/measurement.ts';
import { COMMIT } from '../../src/vault/points.ts';
import { TOMBSTONE } from '../../src/vault/read-tombstone.ts';
import { SESSION } from '../../src/vault/run.ts';
import { ShardRecord } from '../../src/vault/shard-record.ts';
import { VaultDocument } from '../../src/vault/vault-document.ts';
import { CheckRecord } from '../../src/vault/verify/check-record.ts';

const GOLDEN = fileURLToPath(new URL('../golden/v1/vault/', import.meta.url));
const POINT = '20260101T000000Z-601d0001';
const RUN = `runs/${POINT}`;
const TIME = '2026-01-01T00:00:00.000Z';
const NUMBERS = { objects: 3, bytes: 1000 };

const golden = (key: string): unknown => JSON.parse(readFileSync(`${GOLDEN}${key}`, 'utf8')).body;

interface Example {
  readonly kind: DocumentKind<unknown>;
  readonly signed: boolean;
  readonly body: unknown;
}

const mac = (kind: DocumentKind<unknown>, body: unknown): Example => ({ kind, signed: false, body });
const signed = (kind: DocumentKind<unknown>, body: unknown): Example => ({ kind, signed: true, body });

/** A valid body of every type of document there is. */
export const EXAMPLES: readonly Example[] = [
  mac({ type: 'vault', schema: VaultDocument }, golden('vault.json')),
  signed({ type: 'keys', schema: KeysDocument }, golden('keys/1.json')),
  mac(SESSION, golden(`${RUN}/session.json`)),
  mac({ type: 'shard', schema: ShardRecord }, golden(`${RUN}/shards/vol-0aaaaaaaaaaaaaaaa-0.json`)),
  mac(COMMIT, golden(`points/${POINT}.json`)),
  signed({ type: 'fence', schema: Fence }, golden('points/20260102T030405Z-0000dead.json')),
  mac(CATALOG, golden(`catalog/i-0cccccccccccccccc/20260101T000000Z-${POINT}.json`)),
  signed({ type: 'attestation', schema: Attestation }, golden(`attestations/${POINT}/20260101T010000Z-601d0002.json`)),
  signed(TOMBSTONE, { pointId: POINT, expiredAt: TIME, reason: 'keep last 3' }),
  signed({ type: 'hold', schema: Hold }, { pointId: POINT, holdId: POINT, placedAt: TIME, reason: 'a court' }),
  signed({ type: 'release', schema: HoldRelease }, { pointId: POINT, holdId: POINT, releasedAt: TIME, reason: 'done' }),
  signed(GC_PLAN, {
    gcId: POINT,
    plannedAt: TIME,
    executeAfter: TIME,
    toolVersion: '0.1.0',
    points: { committed: 1, pinned: 0, held: 0, locked: 0, expired: 1, abandoned: 0, unreadable: 0 },
    fenced: [{ runId: POINT, reason: 'its workflow is gone' }],
    invalid: [{ key: 'points/x.json', reason: 'mac' }],
    protects: null,
    keeps: { 'named by a live point': NUMBERS },
    deletes: { expired: NUMBERS },
    pages: 1,
  }),
  signed(GC_PAGE, { gcId: POINT, page: 0, objects: [{ key: 'runs/r/packs/p.pack', bytes: 9, why: 'expired' }] }),
  signed(GC_REPORT, { gcId: POINT, finishedAt: TIME, toolVersion: '0.1.0', removed: { expired: NUMBERS }, kept: {} }),
  mac(GC_VERSIONS, { gcId: POINT, finishedAt: TIME, removed: NUMBERS }),
  mac(
    { type: 'check', schema: CheckRecord },
    {
      checkId: POINT,
      level: 'sample',
      startedAt: TIME,
      finishedAt: TIME,
      points: 1,
      packs: 2,
      packsRead: 2,
      blocksRead: 3,
      damage: 0,
      newestCommit: TIME,
      cursor: null,
    },
  ),
  mac(AUDIT, {
    runId: POINT,
    machineId: 'i-0cccccccccccccccc',
    volumeId: 'vol-0aaaaaaaaaaaaaaaa',
    block: 7,
    pointId: POINT,
    foundAt: TIME,
  }),
  mac(MEASUREMENT, {
    runId: POINT,
    pointId: POINT,
    machineId: 'i-0cccccccccccccccc',
    kind: 'verification',
    startedAt: TIME,
    toolVersion: '0.1.0',
    where: { platform: 'ec2', place: 'local-1' },
    bytes: 524_288,
    phases: [{ phase: 'restore', ms: 1500 }],
  }),
];

const PLACE = { vaultId: '407e6ee8-94a1-4786-9106-0305852ce135', key: `points/${POINT}.json` };
const MAC_KEY = createHash('sha256').update('fuzz').digest();
const CONTROL = controlKeyPair(new Uint8Array(32).fill(7));

/** A document of the body, valid or not: whoever holds the key can write anything. */
export function sealAny({ kind, signed: isSigned }: Example, body: unknown): Uint8Array {
  const by: Authenticator = isSigned
    ? { kind: 'signature', privateKey: CONTROL.privateKey }
    : { kind: 'mac', key: () => MAC_KEY };
  return encodeDocument({ type: kind.type, epoch: 1, body }, PLACE, by);
}

const PUBLIC_KEY = controlPublicKey(CONTROL.publicKey);

export function openExample({ kind, signed: isSigned }: Example, bytes: Uint8Array): unknown {
  const by: Authenticator = isSigned
    ? { kind: 'signature', publicKey: (epoch) => (epoch === 1 ? PUBLIC_KEY : undefined) }
    : { kind: 'mac', key: (epoch) => (epoch === 1 ? MAC_KEY : undefined) };
  return decodeDocument(kind, bytes, { place: PLACE, by });
}
