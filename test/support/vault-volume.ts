import { BLOCK_BYTES, type BlockSource } from '../../src/vault/block-source.ts';
import { seededBytes } from './vault-random.ts';

/** A volume given by its written blocks; counts what is read of it. */
export interface TestVolume extends BlockSource {
  readonly written: ReadonlyMap<number, Uint8Array>;
  readonly reads: number[];
}

export function testVolume(blocks: number, written: ReadonlyMap<number, Uint8Array>): TestVolume {
  const reads: number[] = [];
  return {
    volumeBytes: blocks * BLOCK_BYTES,
    written,
    reads,
    async *blocks({ from, to }) {
      const indexes = [...written.keys()].filter((index) => index >= from && index < to).sort((a, b) => a - b);
      for (const index of indexes) yield { index, token: `t${index}` };
    },
    changedSince: async () => 'unrelated',
    async read(ref, signal) {
      signal.throwIfAborted();
      const bytes = written.get(ref.index);
      if (!bytes || ref.token !== `t${ref.index}`) throw new Error(`no block ${ref.index} for ${ref.token}`);
      reads.push(ref.index);
      return Uint8Array.from(bytes);
    },
  };
}

/** Incompressible. */
export function noise(seed: string | number): Uint8Array {
  return seededBytes(`noise ${seed}`)(BLOCK_BYTES);
}

/** Compressible: a line of text over and over. */
export function text(line: string): Uint8Array {
  return new Uint8Array(Buffer.alloc(BLOCK_BYTES, `${line}\n`));
}

export function zeros(): Uint8Array {
  return new Uint8Array(BLOCK_BYTES);
}
