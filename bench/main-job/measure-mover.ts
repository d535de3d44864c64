import { DeleteSnapshotCommand } from '@aws-sdk/client-ec2';
import type { LabClients } from '../../local/up/aws-clients.ts';
import type { Lab } from '../../local/up/start-lab.ts';
import { waitUntil } from '../../local/up/wait-until.ts';
import { connectTemporal } from '../../src/client/connect.ts';
import { BackupClient } from '../../src/client/index.ts';
import { readPeakMebibytes } from '../../test/support/peak-memory.ts';
import { launchVariant } from '../../test/support/variant-machine.ts';
import { writeSwapSnapshot } from '../../test/support/written-snapshot.ts';

export interface MoverResult {
  /** Of the third volume, with every block written; root and data volume beside it are mostly holes. */
  readonly gibibytes: number;
  /** The largest resident size of the worker until the archive was whole, its start and connections included. */
  readonly peakMebibytes: number;
  /** And until the run's end, with commit, clean-up and index. */
  readonly peakOfRunMebibytes: number;
  readonly archiveSeconds: number;
}

/** 12 GiB took 36 to 57 s. */
const ARCHIVE_LIMIT_MS = 600_000;
/** What follows the archive takes seconds. */
const LOOK_MS = 250;

/** A real backup by real workers: how much memory the mover ever took. */
export async function measureMover(lab: Lab, aws: LabClients, gibibytes: number): Promise<MoverResult> {
  const snapshotId = await writeSwapSnapshot({ lab, aws }, { gibibytes });
  const [control, mover] = await Promise.all([lab.startWorker('control'), lab.startWorker('mover')]);
  const client = new BackupClient(await connectTemporal());
  try {
    await using machine = await launchVariant({ lab, aws }, { extraSnapshotId: snapshotId });
    const run = await client.start({ instanceId: machine.instanceId, verify: false });
    const hasArchived = async () =>
      (await run.progress()).phases.some(({ phase, state }) => phase === 'archive' && !/waiting|running/.test(state)) ||
      undefined;
    await waitUntil(hasArchived, { what: 'the end of the archive', limitMs: ARCHIVE_LIMIT_MS, everyMs: LOOK_MS });
    const peakMebibytes = await readPeakMebibytes(mover.pid);
    const { phases } = await run.result();
    const archive = phases.find(({ phase }) => phase === 'archive');
    return {
      gibibytes,
      peakMebibytes,
      peakOfRunMebibytes: await readPeakMebibytes(mover.pid),
      archiveSeconds: secondsBetween(archive?.startedAt, archive?.endedAt),
    };
  } finally {
    await client.close();
    await Promise.all([control.stop(), mover.stop()]);
    await aws.ec2.send(new DeleteSnapshotCommand({ SnapshotId: snapshotId }));
  }
}

function secondsBetween(from: string | undefined, to: string | undefined): number {
  return (Date.parse(to ?? '') - Date.parse(from ?? '')) / 1000;
}
