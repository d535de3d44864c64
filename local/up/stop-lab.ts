import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { StopInstancesCommand } from '@aws-sdk/client-ec2';
import { withLock } from '../../setup/lock.mjs';
import { endMachines, findCloud, type RunningCloud } from '../cloud/start.ts';
import { adoptS3 } from '../servers/s3.ts';
import { findServer } from '../servers/server-process.ts';
import { adoptTemporal } from '../servers/temporal.ts';
import { createLabClients } from './aws-clients.ts';
import { findLabPlan, type LabPlan } from './lab-plan.ts';
import { cloudDir } from './lab-servers.ts';
import { readLabStatus, writeLabStatus } from './lab-status.ts';
import { adoptLedgerServer } from './ledger-server.ts';
import { workerName } from './product.ts';
import { findProduction } from './production-machine.ts';
import { waitUntil } from './wait-until.ts';

/** Twice what an orderly shutdown took on a busy machine; then its power is cut. */
const ORDERLY_LIMIT_MS = 60_000;

/** Ends everything of the lab by id, production in order first. Repeatable; the folder and its vault stay. */
export async function stopLab(folder: string, write: (text: string) => void = () => {}): Promise<void> {
  const stateDir = resolve(folder);
  const plan = findLabPlan(stateDir);
  if (!plan) return;
  await withLock(join(stateDir, 'lab.lock'), async () => {
    for (const role of ['control', 'mover'] as const) await findServer(stateDir, workerName(role))?.server.stop();
    await stopCloud(stateDir, plan, write);
    await Promise.all([
      adoptTemporal(stateDir)?.stop(),
      adoptS3(stateDir)?.stop(),
      adoptLedgerServer(stateDir)?.stop(),
    ]);
    const status = readLabStatus(stateDir);
    if (status) writeLabStatus({ ...status, state: 'down' });
    write(`  lab                  down; its vault and machines' disks stay in ${stateDir}\n`);
  });
}

async function stopCloud(stateDir: string, plan: LabPlan, write: (text: string) => void): Promise<void> {
  const folder = cloudDir(stateDir);
  const cloud = findCloud(folder);
  if (!cloud) {
    if (existsSync(join(folder, 'cloud.sqlite'))) await endMachines(folder);
    return;
  }
  try {
    await stopProduction(cloud, plan);
  } catch (error) {
    write(
      `  production           not stopped in order (${error instanceof Error ? error.message : error}); power cut\n`,
    );
  }
  await cloud.stopAll();
}

/** In order, so that the next `up` starts a machine that was shut down and not one that has to recover. */
async function stopProduction({ endpoint }: RunningCloud, plan: LabPlan): Promise<void> {
  const clients = createLabClients({ ec2: endpoint, ebs: endpoint, ssm: endpoint, kms: endpoint }, plan);
  try {
    const found = await findProduction(clients.ec2);
    if (found?.InstanceId === undefined || found.State?.Name === 'stopped') return;
    await clients.ec2.send(new StopInstancesCommand({ InstanceIds: [found.InstanceId] }));
    await waitUntil(async () => ((await findProduction(clients.ec2))?.State?.Name === 'stopped' ? true : undefined), {
      what: `${found.InstanceId} is stopped`,
      limitMs: ORDERLY_LIMIT_MS,
    });
  } finally {
    clients.destroy();
  }
}
