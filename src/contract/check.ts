/** One line of preflight or of the isolation proof. */
export interface Check {
  /** Stable name, such as `subnet-routes`; docs/architecture.md lists them. */
  readonly name: string;
  readonly verdict: 'holds' | 'broken' | 'not-checked' | 'accepted';
  /** What was read, in a sentence; at most 200 characters. */
  readonly found: string;
  /** What to do, when broken. */
  readonly remedy?: string;
}
