import type { Run } from '../../src/contract/run.ts';

/** `read`: from EBS to nowhere; `seal`: from a file to nowhere; `carry`: from EBS to S3, as a mover does. */
export const PARTS = ['read', 'seal', 'carry'] as const;
export type Part = (typeof PARTS)[number];

export interface CarryOrder {
  readonly part: Part;
  readonly run: Run;
  readonly snapshotId: string;
  readonly image: string;
  readonly vault: { readonly url: string; readonly kmsKeyId: string };
}
