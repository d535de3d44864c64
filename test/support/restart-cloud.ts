import { findCloud, startCloud } from '../../local/cloud/start.ts';
import { cloudDir } from '../../local/up/lab-servers.ts';

/** SIGKILL of the local cloud, then a start on what it left; machines run on meanwhile. */
export async function killAndRestartCloud(labDir: string): Promise<void> {
  const stateDir = cloudDir(labDir);
  const cloud = findCloud(stateDir);
  if (!cloud) throw new Error(`no cloud runs on ${stateDir}`);
  await cloud.stop('SIGKILL');
  await startCloud({ stateDir, detached: true });
}
