import { z } from 'zod';
import { FormatError } from '../../errors.ts';
import { hex } from '../bytes.ts';
import { readDocument, sealDocument } from '../documents.ts';
import { Count, RunId, Sha256Hex, Time } from '../fields.ts';
import { createdFirst } from '../presence.ts';
import type { Vault } from '../vault.ts';

export const VERIFY_LEVELS = ['structure', 'sample', 'full'] as const;
export type VerifyLevel = (typeof VERIFY_LEVELS)[number];

/**
 * `index/checks/<checkId>.json`: how far the rotating sample has come. It proves nothing to anybody (attestations do,
 * and control signs them): a false one only makes the next sample read other packs.
 */
export const CheckRecord = z.strictObject({
  checkId: RunId,
  level: z.enum(VERIFY_LEVELS),
  startedAt: Time,
  finishedAt: Time,
  points: Count,
  packs: Count,
  packsRead: Count,
  blocksRead: Count,
  damage: Count,
  /** Points committed later are new to the next sample. */
  newestCommit: Time.nullable(),
  /** The pack that the rotation read last; the one after it was read longest ago. */
  cursor: z.strictObject({ runId: RunId, packId: Sha256Hex }).nullable(),
});
export type CheckRecord = z.infer<typeof CheckRecord>;

const CHECK = { type: 'check', schema: CheckRecord } as const;
const PREFIX = 'index/checks/';
const checkKey = (checkId: string) => `${PREFIX}${checkId}.json`;

// A damaged newest record costs one step back; more damaged ones cost a rotation that begins anew, nothing else.
const TRIED = 3;

/** The newest valid record; names begin with their time. */
export async function latestCheck(vault: Vault, signal: AbortSignal): Promise<CheckRecord | undefined> {
  const newest: string[] = [];
  for await (const { key } of vault.store.list(PREFIX, signal)) {
    newest.unshift(key);
    newest.length = Math.min(newest.length, TRIED);
  }
  for (const key of newest) {
    try {
      return await readDocument(CHECK, { vault, key }, signal);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
  }
  return undefined;
}

export async function writeCheck(vault: Vault, record: CheckRecord, signal: AbortSignal): Promise<void> {
  const key = checkKey(record.checkId);
  await createdFirst(vault.store.create(key, sealDocument(CHECK, record, { vault, key }), signal));
}

export function newCheckId(vault: Vault, startedAt: string): string {
  return `${startedAt.replace(/[-:]|\.\d+/g, '')}-${hex(vault.randomBytes(4))}`;
}
