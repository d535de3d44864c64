import { join } from 'node:path';
import type { SettingsInput } from '../cloud/settings.ts';
import { findCloud, type RunningCloud, startCloud } from '../cloud/start.ts';
import { adoptS3, type S3Server, startS3 } from '../servers/s3.ts';
import { adoptTemporal, startTemporal, type TemporalServer } from '../servers/temporal.ts';
import { readToolchain } from '../toolchain.ts';
import type { LabPlan } from './lab-plan.ts';
import { readLabStatus } from './lab-status.ts';
import { adoptLedgerServer, type LedgerServer, startLedgerServer } from './ledger-server.ts';

export interface ServerOptions {
  readonly stateDir: string;
  readonly plan: LabPlan;
  readonly detached: boolean;
  /** What a test wants different from the cloud's defaults. */
  readonly cloud: Partial<SettingsInput>;
}

export const cloudDir = (stateDir: string) => join(stateDir, 'cloud');

/** Found running, or started where it was before: shells that took `env` earlier go on working. */
export function ensureTemporal({ stateDir, detached }: ServerOptions): Promise<TemporalServer> {
  const running = adoptTemporal(stateDir);
  if (running) return Promise.resolve(running);
  const { address, ui } = readLabStatus(stateDir)?.temporal ?? {};
  const [port, uiPort] = [portOf(address && `http://${address}`), portOf(ui)];
  const options = { stateDir, detached };
  if (port === undefined || uiPort === undefined) return startTemporal(options);
  return elsewhereIfTaken(
    () => startTemporal({ ...options, port, uiPort }),
    () => startTemporal(options),
  );
}

export function ensureS3({ stateDir, detached, plan }: ServerOptions): Promise<S3Server> {
  const running = adoptS3(stateDir);
  if (running) return Promise.resolve(running);
  const { admin, control, mover } = plan.keys;
  const options = {
    stateDir,
    detached,
    bucket: plan.bucket,
    region: plan.region,
    // A mover that is taken over can neither remove nor unlock anything.
    users: [
      { ...keyOf(admin), may: 'keep' },
      { ...keyOf(control), may: 'keep' },
      { ...keyOf(mover), may: 'write' },
    ],
  } as const;
  const port = portOf(readLabStatus(stateDir)?.aws.endpoints.s3);
  if (port === undefined) return startS3(options);
  return elsewhereIfTaken(
    () => startS3({ ...options, port }),
    () => startS3(options),
  );
}

export async function ensureLedger({ stateDir, detached }: ServerOptions): Promise<LedgerServer> {
  return adoptLedgerServer(stateDir) ?? startLedgerServer({ stateDir, detached });
}

export async function ensureCloud(
  { stateDir, plan, detached, cloud }: ServerOptions,
  ledgerPort: number,
): Promise<RunningCloud> {
  const folder = cloudDir(stateDir);
  const running = findCloud(folder);
  if (running) {
    await tellLedgerPort(running, ledgerPort);
    return running;
  }
  const { qemu, accel, guest } = readToolchain();
  const settings: SettingsInput = {
    region: plan.region,
    accountId: plan.accountId,
    keys: Object.values(plan.keys),
    qemu: { system: qemu.system, img: qemu.img, ...(accel === 'kvm' && { accel: 'kvm', cpu: 'host' }) },
    // Of the guest image, since the host need not have one.
    relay: guest.busybox,
    ledgerPort,
    ...cloud,
  };
  return startCloud({ stateDir: folder, settings, detached });
}

/** The ledger may have come back on another port; machines follow by themselves. */
async function tellLedgerPort({ control }: RunningCloud, port: number): Promise<void> {
  const answer = await fetch(`${control}/v1/ledger`, { method: 'PUT', body: JSON.stringify({ port }) });
  if (!answer.ok) throw new Error(`the local cloud does not take the ledger's port: ${await answer.text()}`);
}

async function elsewhereIfTaken<T>(same: () => Promise<T>, elsewhere: () => Promise<T>): Promise<T> {
  try {
    return await same();
  } catch (error) {
    if (!/address already in use/i.test(String(error))) throw error;
    return elsewhere();
  }
}

function keyOf({ accessKeyId, secretAccessKey }: { accessKeyId: string; secretAccessKey: string }) {
  return { accessKeyId, secretAccessKey };
}

function portOf(url: string | null | undefined): number | undefined {
  return url ? Number(new URL(url).port) : undefined;
}
