import { BackupClient, RunFailed } from 'understudy';

/** One backup, started and followed by another service. The same `requestId` never makes a second one. */
export async function backUp(instanceId: string, requestId: string): Promise<string> {
  // Address, namespace and credentials come from TEMPORAL_ADDRESS and its siblings, or from temporal.toml.
  const backups = await BackupClient.connect();
  try {
    const run = await backups.start({ instanceId }, { requestId });
    const timer = setInterval(async () => {
      const { phases } = await run.progress().catch(() => ({ phases: [] }));
      const now = phases.find(({ state }) => state === 'running');
      if (now) console.error(`${instanceId}: ${now.phase}`);
    }, 5_000);
    try {
      const { pointId, consistency, verification } = await run.result();
      console.error(`${pointId}: ${consistency.disks}, verification ${verification?.verdict ?? 'not asked for'}`);
      return pointId;
    } finally {
      clearInterval(timer);
    }
  } catch (error) {
    // `code` is stable: see docs/errors.md. VerificationFailed: the point exists, but must not be relied on.
    if (error instanceof RunFailed) console.error(`${error.code}: ${error.message}`);
    throw error;
  } finally {
    await backups.close();
  }
}
