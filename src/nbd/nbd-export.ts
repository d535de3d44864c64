import type { SparseSource } from '../disk/sparse-source.ts';

/** A disk that clients may read, by name. */
export interface NbdExport {
  readonly name: string;
  /** For people; clients show it in lists. */
  readonly description: string;
  readonly source: SparseSource;
}

/** What could not be read for a client, who gets an I/O error for just these bytes. */
export interface NbdProblem {
  readonly exportName: string;
  readonly offset: number;
  readonly bytes: number;
  readonly error: unknown;
}
