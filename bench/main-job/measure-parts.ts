import { randomBytes } from 'node:crypto';
import { CreateTagsCommand } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import { findCloud } from '../../local/cloud/start.ts';
import { adoptS3 } from '../../local/servers/s3.ts';
import type { LabClients } from '../../local/up/aws-clients.ts';
import { cloudDir } from '../../local/up/lab-servers.ts';
import type { Lab } from '../../local/up/start-lab.ts';
import { ensureImageSnapshot } from '../../local/up/upload-image.ts';
import type { Run } from '../../src/contract/run.ts';
import { measure, readCpuSeconds } from '../measure.ts';
import type { BenchImages } from '../vault/image.ts';
import { type CarryOrder, PARTS, type Part } from './carry-order.ts';

export interface PartResult {
  readonly round: number;
  readonly part: Part;
  readonly blockLatencyMs: number;
  readonly seconds: number;
  readonly mebibytesPerSecond: number;
  readonly cpuSeconds: number;
  /** Of the local cloud and the S3 server together. */
  readonly serverCpuSeconds: number;
  readonly peakMebibytes: number;
}

const Said = z.object({ seconds: z.number() });

/** The parts of the main job alone and together, alternating, each in a process of its own. */
export async function* measureParts(
  { lab, aws, images }: { readonly lab: Lab; readonly aws: LabClients; readonly images: BenchImages },
  { rounds, blockLatencyMs }: { readonly rounds: number; readonly blockLatencyMs: number },
): AsyncGenerator<PartResult> {
  const snapshotId = await ensureImageSnapshot(aws, { name: `bench-${images.sha256}`, file: images.first });
  const { vault } = lab.status;
  const servers = serversOf(lab);
  for (let round = 1; round <= rounds; round++) {
    for (const part of PARTS) {
      const run = newRun(lab);
      await tagAsOurs(aws, snapshotId, run);
      const order: CarryOrder = { part, run, snapshotId, image: images.first, vault };
      const before = cpuSecondsOf(servers);
      const { cpuSeconds, peakMebibytes, stdout } = await measure({
        command: process.execPath,
        args: [`${import.meta.dirname}/carry-child.ts`, JSON.stringify(order)],
        env: { ...lab.env('mover') },
      });
      const { seconds } = Said.parse(JSON.parse(stdout));
      const mebibytesPerSecond = images.bytes / 2 ** 20 / seconds;
      const serverCpuSeconds = cpuSecondsOf(servers) - before;
      yield { round, part, blockLatencyMs, seconds, mebibytesPerSecond, cpuSeconds, serverCpuSeconds, peakMebibytes };
    }
  }
}

/** Process ids; they share the machine's cores with what is measured. */
function serversOf({ status: { stateDir } }: Lab): readonly number[] {
  const servers = [adoptS3(stateDir), findCloud(cloudDir(stateDir))];
  return servers.flatMap((server) => (server ? [server.pid] : []));
}

function cpuSecondsOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + readCpuSeconds(pid), 0);
}

function newRun({ plan }: Lab): Run {
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  return {
    runId: `${stamp}-${randomBytes(4).toString('hex')}`,
    deploymentId: plan.deploymentId,
    workflowId: 'bench',
    temporalRunId: 'bench',
    sourceId: 'i-0bench',
    expiresAt: new Date(Date.now() + 86_400_000).toISOString(),
  };
}

/** The product reads snapshots of its own run only. */
async function tagAsOurs({ ec2 }: LabClients, snapshotId: string, run: Run): Promise<void> {
  const tags = {
    'understudy:deployment': run.deploymentId,
    'understudy:run': run.runId,
    'understudy:role': 'clone-snapshot',
    'understudy:source': run.sourceId,
  };
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  await ec2.send(new CreateTagsCommand({ Resources: [snapshotId], Tags }));
}
