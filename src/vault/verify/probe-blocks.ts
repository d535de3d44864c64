import { fetchRun, openEntries, type PackRun } from '../open-blocks.ts';
import type { Segment, SegmentEntry } from '../segment.ts';
import type { Vault } from '../vault.ts';
import { damageIn } from './findings.ts';
import type { KnownPack } from './known-packs.ts';

/**
 * Which of these blocks of one pack are lost, tried one by one: after the first damage the others may still be whole.
 * Without `read` only those beyond the end of what is stored are called lost.
 */
export async function findLost(
  vault: Vault,
  { segment, pack, entries, read }: ProbeRequest,
  signal: AbortSignal,
): Promise<readonly SegmentEntry[]> {
  const { storedBytes } = pack;
  if (storedBytes === undefined) return entries;
  if (!read) return entries.filter(({ offset, sealedBytes }) => offset + sealedBytes > storedBytes);
  const lost: SegmentEntry[] = [];
  for (const entry of entries) {
    if (!(await opens(vault, { segment, entry }, signal))) lost.push(entry);
  }
  return lost;
}

export interface ProbeRequest {
  readonly segment: Segment;
  readonly pack: KnownPack;
  readonly entries: readonly SegmentEntry[];
  readonly read: boolean;
}

async function opens(
  vault: Vault,
  { segment, entry }: { readonly segment: Segment; readonly entry: SegmentEntry },
  signal: AbortSignal,
): Promise<boolean> {
  const pack = segment.packs[entry.pack];
  if (!pack) throw new TypeError('a decoded segment names only packs of its table');
  const run: PackRun = { segment, pack, entries: [entry], offset: entry.offset, length: entry.sealedBytes };
  try {
    await openEntries(vault, run, { bytes: await fetchRun(vault, run, signal), entries: run.entries, to: 'nobody' });
    return true;
  } catch (error) {
    damageIn(error);
    return false;
  }
}
