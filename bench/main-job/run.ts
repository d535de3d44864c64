import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SettingsInput } from '../../local/cloud/settings.ts';
import { createLabClients, type LabClients } from '../../local/up/aws-clients.ts';
import { type Lab, startLab } from '../../local/up/start-lab.ts';
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

/**
 * From a block's request to its answer. None: all that a machine can carry when it is the servers' machine too. 100 ms: what AWS
 * reckons with in "Optimize performance" of the EBS direct APIs; then what is on its way decides.
 */
const BLOCK_LATENCIES_MS = [0, 100];
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
  const parts: PartResult[] = [];
  for (const blockLatencyMs of BLOCK_LATENCIES_MS) {
    await inLab({ ebs: { blockLatencyMs } }, async ({ lab, aws }) => {
      for await (const result of measureParts({ lab, aws, images }, { rounds, blockLatencyMs })) {
        parts.push(result);
        show(result);
      }
    });
  }
  const movers: MoverResult[] = [];
  await inLab({}, async ({ lab, aws }) => {
    for (const gibibytes of MOVER_GIB) {
      const result = await measureMover(lab, aws, gibibytes);
      movers.push(result);
      show(result);
    }
  });
  await writeMainJob({ imageBytes, rounds, parts, movers });
}

interface RunningLab {
  readonly lab: Lab;
  readonly aws: LabClients;
}

async function inLab(cloud: Partial<SettingsInput>, work: (running: RunningLab) => Promise<void>): Promise<void> {
  const stateDir = await mkdtemp(join(tmpdir(), 'understudy-bench-'));
  try {
    const lab = await startLab({ stateDir, cloud, write: (text) => process.stderr.write(text) });
    // The product's clients take endpoints and keys from the environment, as in production.
    Object.assign(process.env, lab.env());
    const aws = createLabClients(lab.status.aws.endpoints, lab.plan);
    await work({ lab, aws }).finally(() => aws.destroy());
  } finally {
    await stopLab(stateDir);
    await rm(stateDir, { recursive: true, force: true });
  }
}
