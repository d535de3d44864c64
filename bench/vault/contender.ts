import type { Command } from '../measure.ts';

export const STEPS = ['first', 'second', 'restore', 'range', 'collect'] as const;
export type Step = (typeof STEPS)[number];

/** 100 MiB out of the middle of the volume, not on a border of anything. */
export const RANGE_BYTES = 100 * 2 ** 20;

export interface Images {
  /** What the first backup archives. */
  readonly first: string;
  /** The same path for every backup, as programs that remember files want it: a hard link to the image of the day. */
  readonly path: string;
  /** With 1 % of its blocks changed. */
  readonly second: string;
  /** Which those are, as `understudy vault put --changed` reads them. */
  readonly changed: string;
  readonly bytes: number;
  readonly rangeOffset: number;
}

/** One program in one setting, with a repository of its own. */
export interface Contender {
  readonly name: string;
  readonly place: 's3' | 'folder';
  /** Where its objects lie, for counting. */
  readonly folder: string;
  /** Not measured: makes the repository. */
  prepare(): Promise<void>;
  /** The program that does a step, which writes what it restores to `target`; undefined when it cannot. */
  command(step: Step, target: string): Promise<Command | undefined>;
  /** Told what the program printed, as later steps need ids of earlier ones. */
  done?(step: Step, stdout: string): void;
  /** The file that holds what was restored to `target`. */
  restored(target: string): string;
}
