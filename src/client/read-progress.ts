import { type Client, QueryNotRegisteredError, type WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { z } from 'zod';
import type { BackupProgress, MachineHeartbeat, MoverHeartbeat, VolumeProgress } from '../contract/progress.ts';
import { progressQuery } from '../contract/queries.ts';

/** Heartbeat details may come from a worker of another version: read what is understood, leave the rest. */
const Moving = z.object({
  volumeId: z.string(),
  bytesRead: z.number(),
  bytesStored: z.number(),
  blocksDone: z.number(),
}) satisfies z.ZodType<MoverHeartbeat>;
const Watching = z.object({
  machineId: z.string(),
  state: z.string(),
  line: z.number(),
  says: z.string(),
  command: z.string().optional(),
}) satisfies z.ZodType<MachineHeartbeat>;

export interface Execution {
  readonly workflowId: string;
  readonly temporalRunId?: string | undefined;
}

/**
 * A workflow's own progress, with what its running activities last said. Needs a running control worker. One without phases, as a
 * check, or that has not resolved its request yet, shows what its activities say.
 */
export async function readProgress(client: Client, { workflowId, temporalRunId }: Execution): Promise<BackupProgress> {
  const handle = client.workflow.getHandle(workflowId, temporalRunId);
  const [progress, description] = await Promise.all([
    handle.query(progressQuery).catch((error: unknown) => {
      if (error instanceof QueryNotRegisteredError) return { workflowId, phases: [], volumes: [] };
      throw error;
    }),
    handle.describe(),
  ]);
  const details = heartbeatsOf(description);
  const children = await Promise.all(childrenOf(description).map((child) => readProgress(client, child)));
  const verification = children.find((_, index) => childrenOf(description)[index]?.workflowId.startsWith('verify/'));
  const machine = details.map((detail) => Watching.safeParse(detail)).find(({ success }) => success)?.data;
  const moving = details.flatMap((detail) => Moving.safeParse(detail).data ?? []);
  const archived = children.filter((child) => child !== verification).flatMap(({ volumes }) => volumes);
  const shown = machine ?? verification?.machine;
  return {
    ...progress,
    volumes: mergeVolumes(progress.volumes, archived, moving),
    ...(shown && { machine: shown }),
    ...(verification && { verification }),
  };
}

/** Finished shards come from the child's query, the one under way from its heartbeat. */
function mergeVolumes(
  own: readonly VolumeProgress[],
  archived: readonly VolumeProgress[],
  moving: readonly MoverHeartbeat[],
): readonly VolumeProgress[] {
  return own.map((volume) => {
    const finished = archived.find(({ volumeId }) => volumeId === volume.volumeId) ?? volume;
    const now = moving.find(({ volumeId }) => volumeId === volume.volumeId);
    return {
      ...volume,
      bytesRead: finished.bytesRead + (now?.bytesRead ?? 0),
      bytesStored: finished.bytesStored + (now?.bytesStored ?? 0),
    };
  });
}

function heartbeatsOf({ raw }: WorkflowExecutionDescription): readonly unknown[] {
  return (raw.pendingActivities ?? []).flatMap(({ heartbeatDetails }) => {
    const [payload] = heartbeatDetails?.payloads ?? [];
    if (!payload) return [];
    try {
      return [defaultPayloadConverter.fromPayload(payload)];
    } catch {
      return []; // encoded by a codec that this process does not have: progress without live bytes
    }
  });
}

function childrenOf({ raw }: WorkflowExecutionDescription): readonly Execution[] {
  return (raw.pendingChildren ?? []).flatMap(({ workflowId, runId }) =>
    workflowId ? [{ workflowId, temporalRunId: runId || undefined }] : [],
  );
}
