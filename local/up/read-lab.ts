import { resolve } from 'node:path';
import { findCloud } from '../cloud/start.ts';
import { adoptS3 } from '../servers/s3.ts';
import { adoptTemporal } from '../servers/temporal.ts';
import { cloudDir } from './lab-servers.ts';
import { type LabStatus, readLabStatus } from './lab-status.ts';
import { adoptLedgerServer } from './ledger-server.ts';

/** What `up` left, with the state as it is now; undefined where no `up` has finished. */
export function readLab(folder: string): LabStatus | undefined {
  const stateDir = resolve(folder);
  const status = readLabStatus(stateDir);
  if (!status || status.state === 'down') return status;
  const running = [
    adoptTemporal(stateDir),
    adoptS3(stateDir),
    adoptLedgerServer(stateDir),
    findCloud(cloudDir(stateDir)),
  ].filter((server) => server !== undefined).length;
  return { ...status, state: running === 4 ? 'up' : running === 0 ? 'down' : 'partial' };
}
