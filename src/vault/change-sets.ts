import { VaultError } from '../errors.ts';
import { sameBytes, sha256Hex } from './bytes.ts';
import { CHANGE_SET_FRAME, type ChangeSetContent, decodeChangeSet, encodeChangeSet } from './change-set.ts';
import { type ChangeSetRef, VolumeId } from './fields.ts';
import { NONCE_BYTES } from './gcm.ts';
import { lockedAs } from './lock-policy.ts';
import { naming } from './must-be.ts';
import { changesKey } from './object-keys.ts';
import { countBlocks } from './parameters.ts';
import { createdFirst } from './presence.ts';
import { mustKnowEpoch } from './read-segment.ts';
import { openRun } from './run.ts';
import { openObject, sealObject } from './sealed-object.ts';
import type { Vault } from './vault.ts';

/** Which blocks of a volume differ between capture and clone. */
export interface ChangeSet {
  readonly volumeBytes: number;
  readonly changedBlocks: number;
  has(index: number): boolean;
  /** Ascending. */
  indexes(): Iterable<number>;
}

/** Repeatable: an equal change set written earlier stands; a different one is ObjectExists. */
export async function writeChangeSet({
  vault,
  runId,
  volumeId,
  volumeBytes,
  indexes,
  signal,
}: {
  readonly vault: Vault;
  readonly runId: string;
  readonly volumeId: string;
  readonly volumeBytes: number;
  readonly indexes: AsyncIterable<number>;
  readonly signal: AbortSignal;
}): Promise<ChangeSetRef> {
  const { session } = await openRun(vault, runId, signal);
  const content = await collectBits(volumeBytes, indexes);
  const key = changesKey(runId, VolumeId.parse(volumeId));
  const bytes = sealObject(CHANGE_SET_FRAME, encodeChangeSet(content), {
    place: { vaultId: vault.vaultId, runId, name: volumeId },
    seal: {
      key: vault.keys.meta(session.epoch, 'change-set'),
      keyEpoch: session.epoch,
      nonce: vault.randomBytes(NONCE_BYTES),
    },
  });
  if (await createdFirst(vault.store.create(key, bytes, signal, lockedAs(vault, runId)))) return refOf(bytes, content);
  const stored = await vault.store.get(key, signal);
  const earlier = decodeStored(vault, { runId, volumeId }, stored);
  if (sameBytes(encodeChangeSet(earlier), encodeChangeSet(content))) return refOf(stored, earlier);
  const message = `${key} holds ${earlier.changedBlocks} changed blocks, now there are ${content.changedBlocks}; snapshots do not change, so one of them is not the clone's`;
  throw new VaultError('ObjectExists', message, { context: { key } });
}

function refOf(bytes: Uint8Array, { changedBlocks }: ChangeSetContent): ChangeSetRef {
  return { bytes: bytes.length, sha256: sha256Hex(bytes), changedBlocks };
}

async function collectBits(volumeBytes: number, indexes: AsyncIterable<number>): Promise<ChangeSetContent> {
  const blocks = countBlocks(volumeBytes);
  const bitmap = new Uint8Array(Math.ceil(blocks / 8));
  let changedBlocks = 0;
  for await (const index of indexes) {
    if (!(index >= 0 && index < blocks)) throw new RangeError(`changed block ${index} of a volume of ${blocks} blocks`);
    const byte = bitmap[index >> 3] ?? 0;
    const bit = 1 << (index & 7);
    if ((byte & bit) === 0) changedBlocks++;
    bitmap[index >> 3] = byte | bit;
  }
  return { volumeBytes, changedBlocks, bitmap };
}

export async function readChangeSet({
  vault,
  runId,
  volumeId,
  signal,
}: {
  readonly vault: Vault;
  readonly runId: string;
  readonly volumeId: string;
  readonly signal: AbortSignal;
}): Promise<ChangeSet> {
  const stored = await vault.store.get(changesKey(runId, volumeId), signal);
  const { volumeBytes, changedBlocks, bitmap } = decodeStored(vault, { runId, volumeId }, stored);
  const has = (index: number) => (((bitmap[Math.floor(index / 8)] ?? 0) >> (index & 7)) & 1) === 1;
  function* indexes() {
    for (let index = 0; index < bitmap.length * 8; index++) if (has(index)) yield index;
  }
  return { volumeBytes, changedBlocks, has, indexes };
}

function decodeStored(vault: Vault, name: { runId: string; volumeId: string }, bytes: Uint8Array): ChangeSetContent {
  return naming(changesKey(name.runId, name.volumeId), () => {
    const place = { vaultId: vault.vaultId, runId: name.runId, name: name.volumeId };
    const keyOf = (epoch: number) => vault.keys.meta(mustKnowEpoch(vault, epoch), 'change-set');
    return decodeChangeSet(openObject(CHANGE_SET_FRAME, bytes, { place, keyOf }));
  });
}
