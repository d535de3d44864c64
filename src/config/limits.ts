import { z } from 'zod';
import { MAX_OUTPUT_GIB } from '../contract/agent-output.ts';

const MINUTE = 60_000;
const YEAR = 365 * 24 * 60 * MINUTE;

/** No run takes a year, and what is meant as "no limit" would be no date any more when it is added to the time. */
const limitMs = (byDefault: number) => z.int().positive().max(YEAR).default(byDefault);

export const LimitsConfig = z
  .strictObject({
    // A volume made from a snapshot loads lazily, and EC2's data source waits up to 240 s for the metadata service.
    firstSignMs: limitMs(15 * MINUTE),
    // Crash recovery reads what was hot at the capture, block by block from S3: up to ten times slower than production.
    recoverMs: limitMs(60 * MINUTE),
    // PostgreSQL's shutdown checkpoint writes all of shared_buffers; EC2 itself sets a guest's own power-off no limit.
    shutdownMs: limitMs(30 * MINUTE),
    // 16 TiB at 300 MB/s is 15 hours.
    runMs: limitMs(24 * 60 * MINUTE),
    // 16 segments = 64 GiB = about 2.5 minutes at the 450 MB/s that one snapshot gives.
    shardSegments: z.int().min(1).max(16).default(16),
    // Results of the boot script. Agents' output begins behind them and has to end below 2 TiB (agent-output.ts): 1 GiB at least.
    scratchGiB: z.int().min(1).max(MAX_OUTPUT_GIB).default(1),
    // A terabyte at 100 MB/s, about what one process of pg_dump compresses, takes 3 hours.
    agentMs: limitMs(4 * 60 * MINUTE),
    // Default: the sum of the machine's volumes. What an application writes out is seldom larger than its own disks, and an
    // empty part of the volume costs only its provisioned hours.
    outputGiB: z.int().min(1).max(MAX_OUTPUT_GIB).optional(),
  })
  .prefault({});
