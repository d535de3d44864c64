import type { Ec2Clients } from './clients.ts';

/** What every part of the EC2 platform is given. */
export interface Ec2Context {
  readonly clients: Ec2Clients;
  readonly clock: () => Date;
  /** Rejects with the signal's reason when it is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Told of each look of a wait that was answered: whoever waits is not stuck, however long EC2 takes. */
  readonly onLook?: () => void;
  readonly log: (message: string, fields?: Readonly<Record<string, string | number>>) => void;
  /** From 0 up to 1: jitter of retries. */
  readonly random: () => number;
}
