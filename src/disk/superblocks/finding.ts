import type { ByteSource } from '../byte-source.ts';
import type { FileSystemFact } from '../file-system-fact.ts';

export type Finding = Pick<FileSystemFact, 'kind' | 'state' | 'found' | 'uuid' | 'label'>;

/** The start of every known file system lies within: btrfs comes last, at 64 KiB. */
export const HEAD_BYTES = 128 * 1024;

/** Looks at a partition: undefined when it is something else. `head` holds its first HEAD_BYTES, or less. */
export type Recognizer = (
  head: Uint8Array,
  source: ByteSource,
  signal: AbortSignal,
) => Promise<Finding | undefined> | Finding | undefined;
