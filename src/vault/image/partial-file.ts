import { constants } from 'node:fs';
import { type FileHandle, lstat, open, rm } from 'node:fs/promises';
import { VaultError } from '../../errors.ts';
import { ifAbsent, publishFile } from '../publish-file.ts';
import { claimWriting, type WriteClaim } from './write-claim.ts';

/** What an image is written into until all of it is proven. */
export interface PartialFile {
  readonly path: string;
  readonly file: FileHandle;
  /** Synced and under the final name. */
  publish(): Promise<void>;
  close(): Promise<void>;
}

/** The `.partial` beside `path`, new or left by an earlier attempt; TargetUnusable while another process writes it. */
export async function openPartialFile(path: string): Promise<PartialFile> {
  const partial = `${path}.partial`;
  const found = await claimPartial(partial);
  if ((await found.file.stat()).nlink <= 1) return asPartialFile(found, path);
  // An attempt that was killed between the two steps of publishing leaves a second name of a finished image.
  await rm(partial, { force: true });
  await found.close();
  return asPartialFile(await claimPartial(partial), path);
}

interface Claimed extends Pick<PartialFile, 'file' | 'close'> {
  readonly partial: string;
}

async function claimPartial(partial: string): Promise<Claimed> {
  // 0600: a disk holds what only its machine's administrator may read.
  const file = await open(partial, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  let claim: WriteClaim | string = 'nobody yet';
  const close = async () => {
    await file.close();
    if (typeof claim !== 'string') claim.release();
  };
  try {
    if (!(await file.stat()).isFile()) throw unusable(partial, 'it is no file; move it away');
    claim = await claimWriting(file);
    if (typeof claim === 'string') throw unusable(partial, `${claim} writes it; wait until that has ended`);
    const claimed = { partial, file, close };
    // Whoever had the claim until now may have finished the image in between: then this is it.
    await mustStillBe(claimed);
    return claimed;
  } catch (error) {
    await close();
    throw error;
  }
}

function asPartialFile(claimed: Claimed, path: string): PartialFile {
  const { file, partial, close } = claimed;
  const publish = async () => {
    await file.sync();
    await mustStillBe(claimed);
    await publishFile(partial, path);
  };
  return { path: partial, file, publish, close };
}

/** What is written into a file that has no such name any more is not what would be published under it. */
async function mustStillBe({ file, partial }: Claimed): Promise<void> {
  const [ours, named] = [await file.stat({ bigint: true }), await lstat(partial, { bigint: true }).catch(ifAbsent)];
  if (named?.dev === ours.dev && named.ino === ours.ino) return;
  throw unusable(partial, 'somebody else moved, removed or finished it meanwhile; run the same command again');
}

function unusable(path: string, reason: string): VaultError {
  return new VaultError('TargetUnusable', `${path} cannot be written: ${reason}`, { context: { path } });
}

/** Takes the first name off a finished image that has both, as a kill between the two steps of publishing leaves it. */
export async function removeSecondName(path: string): Promise<void> {
  const partial = `${path}.partial`;
  const [image, beside] = [await lstat(path, { bigint: true }), await lstat(partial, { bigint: true }).catch(ifAbsent)];
  if (beside?.dev === image.dev && beside.ino === image.ino) await rm(partial, { force: true });
}
