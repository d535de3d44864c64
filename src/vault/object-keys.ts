/** Where each object lives below the vault's prefix; docs/vault-format.md 2. */

export const VAULT_KEY = 'vault.json';
export const KEYS_PREFIX = 'keys/';
export const keysKey = (epoch: number) => `keys/${epoch}.json`;
/** The roots of an epoch for further recipients; n from 2. */
export const furtherKeysKey = (epoch: number, n: number) => `keys/${epoch}-${n}.json`;
export const sessionKey = (runId: string) => `runs/${runId}/session.json`;
export const packsPrefix = (runId: string) => `runs/${runId}/packs/`;
export const packKey = (runId: string, packId: string) => `${packsPrefix(runId)}${packId}.pack`;
export const segmentsPrefix = (runId: string) => `runs/${runId}/segments/`;
export const segmentKey = (runId: string, segmentId: string) => `${segmentsPrefix(runId)}${segmentId}.seg`;
export const shardKey = (runId: string, volumeId: string, shard: number) =>
  `runs/${runId}/shards/${volumeId}-${shard}.json`;
export const mapKey = (runId: string, volumeId: string, mapId: string) => `runs/${runId}/maps/${volumeId}-${mapId}.map`;
export const mapsPrefix = (runId: string, volumeId: string) => `runs/${runId}/maps/${volumeId}-`;
export const changesKey = (runId: string, volumeId: string) => `runs/${runId}/changes/${volumeId}.chg`;
export const evidenceKey = (runId: string, name: string) => `runs/${runId}/evidence/${name}`;
export const pointKey = (runId: string) => `points/${runId}.json`;
export const attestationsPrefix = (pointId: string) => `attestations/${pointId}/`;
export const attestationKey = (pointId: string, runId: string) => `${attestationsPrefix(pointId)}${runId}.json`;
export const HOLDS_PREFIX = 'holds/';
export const holdsPrefix = (pointId: string) => `${HOLDS_PREFIX}${pointId}/`;
export const holdKey = (pointId: string, holdId: string) => `${holdsPrefix(pointId)}${holdId}.json`;
export const releaseKey = (pointId: string, holdId: string) => `${holdsPrefix(pointId)}${holdId}.release.json`;
export const tombstoneKey = (pointId: string) => `tombstones/${pointId}.json`;
export const gcPlanKey = (gcId: string) => `gc/${gcId}/plan.json`;
export const gcPageKey = (gcId: string, page: number) => `gc/${gcId}/condemned-${page}.json`;
export const gcReportKey = (gcId: string) => `gc/${gcId}/report.json`;
export const gcVersionsKey = (gcId: string) => `gc/${gcId}/versions.json`;

/** Of one machine, or of all. */
export const measurementsPrefix = (machineId?: string) =>
  machineId === undefined ? 'index/measurements/' : `index/measurements/${machineId}/`;
export const measurementKey = (machineId: string, runId: string) => `${measurementsPrefix(machineId)}${runId}.json`;

export const auditsPrefix = (machineId: string) => `index/audits/${machineId}/`;
export const auditKey = (machineId: string, runId: string) => `${auditsPrefix(machineId)}${runId}.json`;

/** The file indexes of one point; the newest counts. */
export const fileIndexesPrefix = (pointId: string) => `index/files/${pointId}/`;
export const fileIndexKey = (pointId: string, indexId: string) => `${fileIndexesPrefix(pointId)}${indexId}.idx`;
export const indexPageKey = (pointId: string, pageId: string) => `index/pages/${pointId}/${pageId}.page`;

export const catalogPrefix = (machineId: string) => `catalog/${machineId}/`;

/** `capturedAt` is ISO 8601; keys hold its compact form so that they sort and need no escaping. */
export function catalogKey(machineId: string, capturedAt: string, runId: string): string {
  return `${catalogPrefix(machineId)}${capturedAt.replace(/[-:]|\.\d+/g, '')}-${runId}.json`;
}

/** The SHA-256 that a key promises for its object, if its name holds one. */
export function digestInKey(key: string): string | undefined {
  return /(?:^|[/-])([0-9a-f]{64})\.(?:pack|seg|map)$/.exec(key)?.[1];
}
