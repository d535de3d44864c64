import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteSnapshotCommand } from '@aws-sdk/client-ec2';
import { createLabClients, type LabClients } from '../../local/up/aws-clients.ts';
import { startInstantMachine } from '../../local/up/instant-machine.ts';
import { type Lab, startLab } from '../../local/up/start-lab.ts';
import { stopLab } from '../../local/up/stop-lab.ts';
import { connectTemporal } from '../../src/client/connect.ts';
import { BackupClient } from '../../src/client/index.ts';
import { launchVariant } from '../../test/support/variant-machine.ts';
import { writeSwapSnapshot } from '../../test/support/written-snapshot.ts';
import { measureFullRestore } from './measure-full.ts';
import { type InstantResult, writeInstant } from './page.ts';

export interface InstantBenchRequest {
  /** Of data that the machine has beside its system, one point each. */
  readonly gibibytes: readonly number[];
  readonly rounds: number;
  /** Results as JSON lines on standard output. */
  readonly json: boolean;
}

const QUESTION = 'select sum(balance) as answer from accounts';

interface Doors {
  readonly lab: Lab;
  readonly aws: LabClients;
  readonly client: BackupClient;
}

/** The first answer of a machine that is booted from the vault, beside one that is restored in full and then booted. */
export async function runInstantBench({ gibibytes, rounds, json }: InstantBenchRequest): Promise<void> {
  const note = (text: string) => void process.stderr.write(`${text}\n`);
  const stateDir = await mkdtemp(join(tmpdir(), 'understudy-bench-'));
  try {
    const lab = await startLab({ stateDir, write: (text) => process.stderr.write(text) });
    // The product's clients take endpoints and keys from the environment, as in production.
    Object.assign(process.env, lab.env());
    const aws = createLabClients(lab.status.aws.endpoints, lab.plan);
    const workers = await Promise.all([lab.startWorker('control'), lab.startWorker('mover')]);
    const client = new BackupClient(await connectTemporal());
    const results: InstantResult[] = [];
    for (const size of gibibytes) {
      const pointId = await makePoint({ lab, aws, client }, size);
      note(`${size} GiB: ${pointId}`);
      for (let round = 1; round <= rounds; round++) {
        const result = await measureRound({ lab, aws, client }, { pointId, gibibytes: size, round });
        results.push(result);
        if (json) process.stdout.write(`${JSON.stringify({ type: 'item', ...result })}\n`);
        else note(JSON.stringify(result));
      }
    }
    await client.close();
    await Promise.all(workers.map((worker) => worker.stop()));
    aws.destroy();
    await writeInstant(rounds, results);
  } finally {
    await stopLab(stateDir);
    await rm(stateDir, { recursive: true, force: true });
  }
}

/** A machine like production with one more disk, every block of which is written. */
async function makePoint({ lab, aws, client }: Doors, gibibytes: number): Promise<string> {
  const snapshotId = await writeSwapSnapshot({ lab, aws }, { gibibytes });
  await using machine = await launchVariant({ lab, aws }, { extraSnapshotId: snapshotId });
  const { pointId } = await (await client.start({ instanceId: machine.instanceId, verify: false })).result();
  await aws.ec2.send(new DeleteSnapshotCommand({ SnapshotId: snapshotId }));
  return pointId;
}

interface Round {
  readonly pointId: string;
  readonly gibibytes: number;
  readonly round: number;
}

async function measureRound(doors: Doors, { pointId, gibibytes, round }: Round): Promise<InstantResult> {
  const machine = await startInstantMachine({ env: doors.lab.env(), pointId, question: QUESTION });
  const { requests, bytesFetched } = await machine.end();
  const fullMs = await measureFullRestore(doors, pointId);
  return { gibibytes, round, instantMs: machine.answeredMs, bytesFetched, requests, fullMs };
}
