import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { VaultError } from '../../errors.ts';
import { makeFolders } from '../../make-folders.ts';
import { BLOCK_BYTES } from '../block-source.ts';
import { BlockSet } from '../image/block-set.ts';
import { findDataBlocks } from '../image/data-extents.ts';
import type { VolumeMap } from '../volume-map.ts';

/**
 * Plain blocks of one volume on the local disk, as a sparse file. Nothing in it is believed: whoever reads a block proves
 * it by its id, so the file may be torn by a kill, shared by several processes, or changed by anybody.
 */
export interface BlockCache {
  /** Undefined: not there. What is returned may be anything of BLOCK_BYTES. */
  read(index: number): Promise<Uint8Array | undefined>;
  /** Begins to write; a full disk ends the writing and nothing else. */
  write(index: number, bytes: Uint8Array): void;
  /** Waits for what is being written. */
  close(): Promise<void>;
}

export interface BlockCacheRequest {
  readonly folder: string;
  readonly vaultId: string;
  readonly map: Pick<VolumeMap, 'volumeBytes' | 'volumeDigest'>;
  readonly signal: AbortSignal;
}

/** Equal volumes of one vault share a file: it is named by the vault and the volume's digest. Holds plain data: mode 0600. */
export async function openBlockCache({ folder, vaultId, map, signal }: BlockCacheRequest): Promise<BlockCache> {
  const path = join(folder, `${vaultId}-${map.volumeDigest}.blocks`);
  try {
    await makeFolders(folder, { mode: 0o700 });
    // Not 'a+', which writes at the end whatever the position; created without truncating what another process holds.
    const file = await open(path, 'r+', 0o600)
      .catch(() => open(path, 'wx+', 0o600))
      .catch(() => open(path, 'r+'));
    const blocks = Math.ceil(map.volumeBytes / BLOCK_BYTES);
    await file.truncate(blocks * BLOCK_BYTES);
    // Which blocks may be there: what the file itself says is no hole. Where nobody can say, all are tried.
    const known = (await findDataBlocks(file, signal)) ?? everyBlock(blocks);
    return createCache(file, known);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the block cache ${path} cannot be used: ${reason}; name another folder or do without`;
    throw new VaultError('TargetUnusable', message, { context: { path }, cause });
  }
}

function everyBlock(blocks: number): BlockSet {
  const all = new BlockSet(blocks);
  all.addRange(0, blocks);
  return all;
}

function createCache(file: FileHandle, known: BlockSet): BlockCache {
  const writing = new Set<Promise<void>>();
  let isFull = false;
  return {
    async read(index) {
      if (!known.has(index)) return undefined;
      const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, index * BLOCK_BYTES);
      return bytesRead === BLOCK_BYTES ? block : undefined;
    },
    write(index, bytes) {
      if (isFull) return;
      const done = file
        .write(bytes, 0, bytes.length, index * BLOCK_BYTES)
        .then(
          () => known.addRange(index, index + 1),
          () => {
            isFull = true;
          },
        )
        .finally(() => writing.delete(done));
      writing.add(done);
    },
    async close() {
      await Promise.all(writing);
      await file.close();
    },
  };
}
