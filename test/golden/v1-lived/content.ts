import { createHash } from 'node:crypto';
import { BLOCK_BYTES, type BlockSource } from '../../../src/vault/block-source.ts';
import type { Session } from '../../../src/vault/session.ts';
import { seeded } from '../v1/content.ts';

/** What the second golden vault holds: three points on one another over two epochs, and everything a vault lives through. */
export const FIRST = '20260201T010000Z-601d0011';
export const SECOND = '20260201T020000Z-601d0012';
export const THIRD = '20260201T030000Z-601d0013';
export const DEAD = '20260201T040000Z-601d00de';
export const ABANDONED = '20260201T050000Z-601d00ab';
export const VERIFY = '20260201T060000Z-601d0016';
export const HOLD_ID = '20260201T070000Z-601d0017';
export const RELEASED_ID = '20260201T070000Z-601d0018';
export const GC_ID = '20260201T080000Z-601d0019';
export const VOLUME = 'vol-0aaaaaaaaaaaaaaaa';

interface Content extends BlockSource {
  readonly sha256: () => string;
}

const line = (words: string) => new Uint8Array(Buffer.alloc(BLOCK_BYTES, `${words}\n`));

/** Two segments; the second one never changes after the first point, so it is reused by pointer. */
function writtenBy(runId: string): ReadonlyMap<number, Uint8Array> {
  const first = new Map([
    [0, line('boot')],
    [5, seeded('lived noise')(BLOCK_BYTES)],
    [8, line('data of the first point')],
    [8195, line('last of all')],
  ]);
  if (runId === SECOND) return new Map([...first, [8, line('data of the second point')]]);
  if (runId === THIRD) return new Map([...first, [8, line('data of the third point')], [9, line('new')]]);
  if (runId === DEAD) return new Map([[1, line('never committed')]]);
  return first;
}

export function contentOf(runId: string): Content {
  const written = writtenBy(runId);
  const blocks = 8196;
  const zeros = new Uint8Array(BLOCK_BYTES);
  return {
    volumeBytes: blocks * BLOCK_BYTES,
    async *blocks({ from, to }) {
      for (const index of [...written.keys()].sort((a, b) => a - b)) if (index >= from && index < to) yield { index, token: '' };
    },
    changedSince: async () => 'unrelated',
    read: async ({ index }) => Uint8Array.from(written.get(index) ?? zeros),
    sha256() {
      const hash = createHash('sha256');
      for (let index = 0; index < blocks; index++) hash.update(written.get(index) ?? zeros);
      return hash.digest('hex');
    },
  };
}

export function sessionOf(runId: string, startedAt: Date, parents: readonly string[]): Omit<Session, 'epoch'> {
  return {
    runId,
    startedAt: startedAt.toISOString(),
    toolVersion: '0.1.0',
    source: { platform: 'ec2', machineId: 'i-0cccccccccccccccc' },
    workflow: { workflowId: 'instance-backup/000000000000/local-1/i-0cccccccccccccccc', temporalRunId: 'golden' },
    volumes: [{ volumeId: VOLUME, volumeBytes: 8196 * BLOCK_BYTES }],
    candidateParents: parents.map((pointId) => ({ pointId })),
  };
}
