import type { MapRef } from '../fields.ts';
import type { ManifestDraft } from '../manifest.ts';
import { recordRunFacts } from '../run-facts.ts';
import type { Session } from '../session.ts';
import type { ImageRun, Parent, PutImageRequest } from './put-image.ts';

export const PLATFORM = 'image';

/**
 * Where a backup names its workflow: nobody but this process ran it. Which list of changes it takes stands there too, so
 * that whoever goes on with the run takes the same.
 */
export function workflowOf({ changed }: Pick<PutImageRequest, 'changed'>): Session['workflow'] {
  const temporalRunId = changed ? `changed since ${changed.pointId}` : '';
  return { workflowId: 'understudy vault put', temporalRunId };
}

/** Nothing is known of how the image was made, so nothing is claimed: the lowest class, and no proof. */
export function draftOf(
  request: PutImageRequest,
  { runId, startedAt, source, changed }: ImageRun,
  { map, parent }: { readonly map: MapRef; readonly parent: Parent | undefined },
): ManifestDraft {
  const { machineId, name, volumeId, toolVersion } = request;
  const pointsByHints = parent && changed ? parent.pointsByHints + 1 : 0;
  const nothing = { account: null, region: null, zone: null, type: null, architecture: null, bootMode: null };
  const volume = { deviceName: volumeId, root: true, type: null, iops: null, throughput: null, encrypted: false };
  return {
    pointId: runId,
    toolVersion,
    method: 'raw-image',
    workflow: workflowOf(request),
    plan: null,
    machine: {
      ...nothing,
      platform: PLATFORM,
      machineId,
      name,
      rootDeviceName: volumeId,
      imageId: null,
      tags: {},
      addresses: [],
      facts: recordRunFacts({ verify: null, pointsByHints }),
    },
    capture: {
      capturedAt: startedAt,
      requestedAt: null,
      memory: null,
      snapshots: [],
      cloneId: null,
      cloneSnapshots: [],
    },
    volumes: [
      {
        ...volume,
        volumeId,
        role: 'machine',
        volumeBytes: source.volumeBytes,
        kmsKeyId: null,
        tags: {},
        map,
        changes: null,
      },
    ],
    consistency: { atLeast: 'crash-consistent', disks: 'crash-consistent', agents: {}, proofs: [] },
    evidence: [],
    acceptedWarnings: [],
    parents: parent ? [{ volumeId, pointId: parent.volume.pointId, mapId: parent.mapId }] : [],
    retention: { mode: 'none', retainUntil: null, keepUntil: null },
  };
}
