import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { z } from 'zod';

/** One transfer as its client saw it. Times are host epoch milliseconds with fractions. */
export const Transfer = z.strictObject({
  client: z.int().positive(),
  /** 1, 2, 3 … per client, without gaps. */
  number: z.int().positive(),
  sentAt: z.number(),
  /** When the commit's answer had arrived. Without it nobody may expect the transfer to be there. */
  acknowledgedAt: z.number().optional(),
  error: z.string().optional(),
});
export type Transfer = z.infer<typeof Transfer>;

/** Latency and failures of the transfers sent in a span of time. */
export interface LoadWindow {
  readonly count: number;
  /** Milliseconds from sending to acknowledgement; undefined where nothing was acknowledged. */
  readonly p50: number | undefined;
  readonly p99: number | undefined;
  readonly max: number | undefined;
  readonly failures: number;
}

/** What happened to the transfers sent from `fromMs` on and before `toMs`. */
export function summarizeWindow(transfers: Iterable<Transfer>, fromMs: number, toMs: number): LoadWindow {
  const latencies: number[] = [];
  let count = 0;
  let failures = 0;
  for (const { sentAt, acknowledgedAt, error } of transfers) {
    if (sentAt < fromMs || sentAt >= toMs) continue;
    count += 1;
    if (error !== undefined) failures += 1;
    if (acknowledgedAt !== undefined) latencies.push(acknowledgedAt - sentAt);
  }
  latencies.sort((a, b) => a - b);
  return { count, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99), max: latencies.at(-1), failures };
}

// Nearest rank: always a latency that really occurred.
function percentile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

export interface TransferLog {
  write(transfer: Transfer): void;
  /** Resolves when everything written is in the file. */
  close(): Promise<void>;
}

/** Appends one JSON line per finished transfer. */
export function openTransferLog(file: string): TransferLog {
  const stream = createWriteStream(file, { flags: 'a' });
  const done = finished(stream);
  // Reported by close(), whoever closes first; without this a full disk would end the whole process.
  done.catch(() => {});
  return {
    write: (transfer) => void stream.write(`${JSON.stringify(transfer)}\n`),
    async close() {
      stream.end();
      await done;
    },
  };
}

/** Reads a log back; a last line that a kill cut short is passed over, any other damage is an error naming the line. */
export async function readTransferLog(file: string): Promise<Transfer[]> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: createReadStream(file, 'utf8') })) lines.push(line);
  const transfers: Transfer[] = [];
  for (const [index, line] of lines.entries()) {
    try {
      transfers.push(Transfer.parse(JSON.parse(line)));
    } catch (cause) {
      if (index === lines.length - 1) break;
      throw new Error(`${file}: line ${index + 1} is not a transfer: ${line.slice(0, 200)}`, { cause });
    }
  }
  return transfers;
}
