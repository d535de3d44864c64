import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLabClients } from '../../local/up/aws-clients.ts';
import { startLab } from '../../local/up/start-lab.ts';
import { stopLab } from '../../local/up/stop-lab.ts';
import { cacheFolder } from '../../setup/cache.mjs';
import { ensureImages } from '../vault/image.ts';
import { type MoverResult, measureMover } from './measure-mover.ts';
import { measureParts, type PartResult } from './measure-parts.ts';
import { writeMainJob } from './page.ts';

export interface MainJobBenchRequest {
  readonly imageBytes: number;
  readonly rounds: number;
  /** Results as JSON lines on standard output. */
  readonly json: boolean;
}

/** Sizes of the written volume of which the mover's memory is compared. */
const MOVER_GIB = [2, 12];

/** The way from EBS to S3 beside its parts alone, and the memory that a mover takes for it. */
export async function runMainJobBench({ imageBytes, rounds, json }: MainJobBenchRequest): Promise<void> {
  const note = (text: string) => void process.stderr.write(`${text}\n`);
  const show = (result: PartResult | MoverResult) => {
    const text = JSON.stringify(result);
    if (json) process.stdout.write(`${JSON.stringify({ type: 'item', ...result })}\n`);
    else note(text);
  };
  const images = await ensureImages({ cacheDir: cacheFolder(process.env), bytes: imageBytes, note });
  const stateDir = await mkdtemp(join(tmpdir(), 'understudy-bench-'));
  try {
    const lab = await startLab({ stateDir, write: (text) => process.stderr.write(text) });
    // The product's clients take endpoints and keys from the environment, as in production.
    Object.assign(process.env, lab.env());
    const aws = createLabClients(lab.status.aws.endpoints, lab.plan);
    const parts: PartResult[] = [];
    for await (const result of measureParts({ lab, aws, images }, rounds)) {
      parts.push(result);
      show(result);
    }
    const movers: MoverResult[] = [];
    for (const gibibytes of MOVER_GIB) {
      const result = await measureMover(lab, aws, gibibytes);
      movers.push(result);
      show(result);
    }
    aws.destroy();
    await writeMainJob({ imageBytes, rounds, parts, movers });
  } finally {
    await stopLab(stateDir);
    await rm(stateDir, { recursive: true, force: true });
  }
}
