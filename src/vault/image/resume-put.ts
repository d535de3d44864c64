import { ConfigurationError, VaultError } from '../../errors.ts';
import { findFailedAudit } from '../failed-audit.ts';
import { openRun } from '../run.ts';
import type { Session } from '../session.ts';
import type { RawImage } from './open-image.ts';
import { workflowOf } from './put-draft.ts';
import type { PutImageRequest } from './put-image.ts';

interface ResumeRequest {
  readonly request: PutImageRequest;
  readonly runId: string;
  readonly image: RawImage;
}

/**
 * The session of an interrupted run, if going on with it gives what one run would have given: of the same disk, by the
 * same list of changes, and of a file that nobody has written to since the run began.
 */
export async function mustBeResumable({ request, runId, image }: ResumeRequest): Promise<Session> {
  const { vault, path, machineId, volumeId, signal } = request;
  const { session } = await openRun(vault, runId, signal);
  const { workflowId, temporalRunId } = workflowOf(request);
  const [volume] = session.volumes;
  const { volumeBytes } = image.source;
  const differs =
    difference('begun by', session.workflow.workflowId, workflowId) ??
    difference('of machine', session.source.machineId, machineId) ??
    difference('of volume', volume?.volumeId, volumeId) ??
    difference('of so many bytes:', volume?.volumeBytes, volumeBytes) ??
    difference('begun with these changes:', session.workflow.temporalRunId || 'all', temporalRunId || 'all');
  if (differs !== undefined) {
    throw new ConfigurationError(
      'InvalidInput',
      `run ${runId} cannot be resumed so: it was ${differs}; name the same as then`,
    );
  }
  if (image.writtenAt && image.writtenAt.getTime() > Date.parse(session.startedAt)) {
    const message = `${path} was written to at ${image.writtenAt.toISOString()}, after run ${runId} began at ${session.startedAt}: together they would be no image of one moment; begin a new run`;
    throw new VaultError('SourceUnusable', message, { context: { path, runId } });
  }
  const audit = await findFailedAudit(vault, machineId, signal);
  if (audit?.runId !== runId) return session;
  const message = `the list of changes that run ${runId} took is wrong (block ${audit.block} of ${audit.volumeId}), and blocks were taken over by it already; begin a new run, which reads every block`;
  throw new VaultError('AuditFailed', message, { context: { runId } });
}

function difference(what: string, then: string | number | undefined, now: string | number): string | undefined {
  return then === now ? undefined : `${what} ${then}, not ${now}`;
}
