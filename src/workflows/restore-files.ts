import { FILES_PHASES, type FilesPhase } from '../contract/progress.ts';
import type { ResolvedFiles } from '../contract/resolved-restore.ts';
import type { FilesRequest } from '../contract/restore-request.ts';
import type { FilesResult } from '../contract/results.ts';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes.ts';
import { failure, readableFailure, withinLimit } from './failures.ts';
import { newRunId } from './identify-run.ts';
import { answering, mover } from './proxies.ts';
import * as say from './summaries.ts';
import { trackPhases } from './track-phases.ts';

/**
 * Writes files of a recovery point into a folder of the movers, straight from the vault: nothing is booted, and no cloud
 * is asked. For what takes longer than a person wants to watch; what was written stays, whichever way it ends.
 */
export async function restoreFiles(request: FilesRequest): Promise<FilesResult> {
  const { limits, searchAttributes, ...wanted } = await resolve(request);
  const { pointId } = wanted;
  const runId = newRunId();
  const phases = trackPhases<FilesPhase>({
    runId,
    title: `Files of ${pointId}`,
    phases: FILES_PHASES,
    searchAttributes,
    attributes: [{ key: SEARCH_ATTRIBUTES.pointId, value: pointId }],
  });
  try {
    const write = () => phases.run('restore', () => mover.restoreFiles({ runId, ...wanted }), say.files);
    const written = await withinLimit(limits.runMs, write);
    if (written.damaged > 0) throw incomplete(written);
    return { ...written, phases: phases.finish('done') };
  } catch (error) {
    phases.finish('failed');
    throw readableFailure(error, { phase: phases.failed() });
  }
}

async function resolve(request: FilesRequest): Promise<ResolvedFiles> {
  try {
    return await answering.resolveFiles(request);
  } catch (error) {
    throw readableFailure(error);
  }
}

function incomplete(written: Omit<FilesResult, 'phases'>) {
  const { pointId, folder, host, files, damaged, named } = written;
  const which = named.map(({ path, problem }) => `${path}: ${problem}`).join('; ');
  return failure(
    'RecoveryIncomplete',
    `${damaged} files or folders of ${pointId} could not be restored, everything else is in ${folder} on ${host} (${files} files). ${which}`,
    { pointId, damaged },
    { files: written },
  );
}
