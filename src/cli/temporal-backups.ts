import { BackupClient } from '../client/backup-client.ts';
import { readTemporalSettings } from '../client/connect.ts';
import { loadConfig } from '../config/index.ts';
import type { Backups } from './deps.ts';

/** Runs on the Temporal server that the environment and the configuration's profile name. */
export async function openTemporalBackups(env: NodeJS.ProcessEnv): Promise<Backups> {
  const { config } = await loadConfig();
  const { profile } = config.temporal;
  const { namespace } = readTemporalSettings({ profile });
  const client = await BackupClient.connect({ profile });
  const withLink = <R extends { readonly workflowId: string }>(run: R) => ({
    ...run,
    ...linkTo(run.workflowId, namespace, env),
  });
  return {
    startBackup: async (request, requestId) => withLink(await client.start(request, { requestId })),
    startVerification: async (request, requestId) => withLink(await client.verify(request, { requestId })),
    startRestore: async (request, requestId) => withLink(await client.restore(request, { requestId })),
    startCheck: async (request, requestId) => withLink(await client.check(request, { requestId })),
    startTable: async (request, requestId) => withLink(await client.restoreTable(request, { requestId })),
    startFiles: async (request, requestId) => withLink(await client.restoreFiles(request, { requestId })),
    startDrill: async (request, requestId) => withLink(await client.drill(request, { requestId })),
    startCollection: async (request, requestId) => withLink(await client.collect(request, { requestId })),
    running: () => client.running(),
    schedules: (plans) => client.schedules(plans),
    close: () => client.close(),
  };
}

/** TEMPORAL_UI_URL is ours: no standard variable says where the web interface is. */
function linkTo(workflowId: string, namespace: string, { TEMPORAL_UI_URL }: NodeJS.ProcessEnv) {
  if (!TEMPORAL_UI_URL) return {};
  const path = `namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}`;
  return { link: `${TEMPORAL_UI_URL.replace(/\/$/, '')}/${path}` };
}
