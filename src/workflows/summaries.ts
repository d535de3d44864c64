import type { PreflightReport } from '../activities/preflight.ts';
import type { Check } from '../contract/check.ts';
import type { ConsistencyVerdict } from '../contract/evidence.ts';
import type { Capture } from '../contract/machine.ts';
import type {
  ArchivedVolume,
  CheckResult,
  Extract,
  Failed,
  FilesResult,
  IndexedFiles,
  Leftover,
  RestoreResult,
  VerificationResult,
} from '../contract/results.ts';
import type { BootedMachine } from './boot-machine.ts';
import type { QuietClone } from './quiesce-clone.ts';

/** One line per phase for people; whoever shows it escapes it. */

export function preflight({ checks, machine }: PreflightReport): string {
  return `${checks.length} checks hold, ${machine.volumes.length} volumes`;
}

export function capture({ snapshots, startTime }: Capture): string {
  return `${snapshots.length} volumes at one instant, ${startTime}`;
}

export function boot({ machine, outcome }: BootedMachine): string {
  return `${machine.machineId} (${machine.instanceType}, ${machine.zone}): ${outcome.saw === 'limit' ? 'did not recover in time' : outcome.says || outcome.saw}`;
}

export function agents({ outcome }: BootedMachine): string {
  return outcome.saw === 'limit' ? 'did not end within their limits' : outcome.says || outcome.saw;
}

export function shutdown({ stoppedByUs, examined }: QuietClone): string {
  const { disks, lowered } = examined.verdict;
  const how = stoppedByUs ? 'stopped past its limit' : 'powered itself off';
  if (disks === null) return how;
  return lowered.length === 0 ? `${how}: ${disks}` : `${how}: ${disks}, because ${lowered.join('; ')}`;
}

export function archive(volumes: readonly ArchivedVolume[]): string {
  const sum = (key: 'bytesRead' | 'bytesStored' | 'bytesReused') =>
    (volumes.reduce((total, volume) => total + volume[key], 0) / 1e6).toFixed(1);
  const moved = `${sum('bytesRead')} MB read, ${sum('bytesStored')} MB stored`;
  const parent = volumes.find(({ parentId }) => parentId !== undefined)?.parentId;
  const why = volumes.find(({ readAll }) => readAll !== undefined)?.readAll;
  const from = parent === undefined ? [] : [`${sum('bytesReused')} MB reused from ${parent}`];
  const audited = volumes.reduce((total, { blocksAudited }) => total + blocksAudited, 0);
  const audit = audited === 0 ? [] : [`${audited} unchanged blocks audited`];
  return [moved, ...from, ...audit, ...(why === undefined ? [] : [`every block read: ${why}`])].join(', ');
}

export function commit({ disks, agents }: ConsistencyVerdict): string {
  const outputs = Object.entries(agents).map(([recipe, found]) => `, ${recipe} ${found}`);
  return `committed as ${disks ?? "agents' output"}${outputs.join('')}`;
}

export function verification({ restoredBytes, restoreMs }: VerificationResult): string {
  return `restored ${(restoredBytes / 1e6).toFixed(1)} MB in ${(restoreMs / 1000).toFixed(1)} s, booted, all applications answered`;
}

export function check({ level, packsRead, blocksRead, bytesRead }: CheckResult): string {
  if (level === 'structure') return 'structure sound: every document, map and segment, and the sizes of packs';
  return `${level} sound: ${blocksRead} blocks of ${packsRead} packs opened (${(bytesRead / 1e6).toFixed(1)} MB)`;
}

export function fileIndex(made: IndexedFiles | Failed): string {
  if ('code' in made) return `not made: ${made.message}`;
  const { files, objects, pages, pagesReused } = made;
  const tables = objects === 0 ? '' : `, ${objects} databases and tables`;
  return `${files} files${tables}; ${pages - pagesReused} of ${pages} pages new`;
}

export function cleanUp(leftovers: readonly Leftover[]): string {
  if (leftovers.length === 0) return 'nothing left behind';
  return `left behind: ${leftovers.map(({ id, reason }) => `${id} (${reason})`).join(', ')}`;
}

export function restore({ bytes, ms }: { readonly bytes: number; readonly ms: number }): string {
  return `${(bytes / 1e6).toFixed(1)} MB from the vault in ${(ms / 1000).toFixed(1)} s`;
}

export function checks(lines: readonly Check[]): string {
  return lines.length === 0 ? 'nothing to prove' : `isolated network proven (${lines.length} lines)`;
}

export function record(failed: Failed | undefined): string {
  return failed ? `not recorded for forecasts: ${failed.message}` : 'recorded for forecasts';
}

export function created({ machine, volumes }: Pick<RestoreResult, 'machine' | 'volumes'>): string {
  if (machine) return `${machine.machineId} (${machine.instanceType}, ${machine.subnetId})`;
  return volumes.map(({ volumeId, zone }) => `${volumeId} in ${zone}`).join(', ');
}

export function files({ files: count, kept, bytes, folder, host }: Omit<FilesResult, 'phases'>): string {
  const before = kept === 0 ? '' : `, ${kept} finished before`;
  return `${count} files${before}, ${(bytes / 1e6).toFixed(1)} MB into ${folder} on ${host}`;
}

export function extracted({ bytes, rows, name }: Extract): string {
  return `${name}: ${rows === null ? '' : `${rows} rows, `}${(bytes / 1e6).toFixed(1)} MB`;
}
