import { activityInfo } from '@temporalio/activity';
import { outputRegion, outputVolume } from '../contract/agent-output.ts';
import type { Check } from '../contract/check.ts';
import type { MachineFacts, VolumeFacts } from '../contract/machine.ts';
import type { ResolvedBackup } from '../contract/resolved-backup.ts';
import type { Run } from '../contract/run.ts';
import { guestText } from '../disk/guest-text.ts';
import { PlatformError, VaultError } from '../errors.ts';
import type { InventoryPlatform } from '../platforms/platform.ts';
import { beating } from './beating.ts';
import { beginIncrement, type Increment } from './increment.ts';
import type { VaultDoor } from './vault-door.ts';

export interface PreflightDeps {
  readonly platform: InventoryPlatform;
  readonly vaults: VaultDoor;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly toolVersion: string;
}

export interface PreflightRequest {
  readonly run: Run;
  readonly backup: ResolvedBackup;
}

export interface PreflightReport {
  readonly machine: MachineFacts;
  readonly checks: readonly Check[];
  readonly increment: Increment;
}

export function createPreflightActivities({ platform, vaults, now, toolVersion }: PreflightDeps) {
  return {
    /**
     * Refuses with every reason at once. Last, after all refusals, it writes the run's session, which names the points
     * it may build on: the vault takes writes.
     */
    async preflight({ run, backup }: PreflightRequest): Promise<PreflightReport> {
      return beating(async ({ signal }) => {
        const { isolation, accept, method } = backup;
        const machine = await platform.describeMachine(run.sourceId, signal);
        const checks = tellOnce([
          ...(await platform.preflight({ machine, accept, isolation, beside: volumesBeside(method) }, signal)),
          ...(await platform.proveIsolation({ isolation, sourceId: run.sourceId, role: 'clone' }, signal)),
          ...(backup.verify === true
            ? await platform.proveIsolation({ isolation, sourceId: run.sourceId, role: 'verify' }, signal)
            : []),
        ]);
        refuseBroken(checks, run);
        try {
          const vault = await vaults.open(backup.vault, signal);
          const session = sessionOf({ run, backup }, machine, toolVersion);
          return { machine, checks, increment: await beginIncrement({ vault, run, backup, session, signal }) };
        } catch (error) {
          throw refuseUnreachable(error, { vault: backup.vault, sinceMs: now() - activityInfo().scheduledTimestampMs });
        }
      });
    },
  };
}

/** A verification machine has all of them at once. */
function volumesBeside(method: ResolvedBackup['method']): readonly string[] {
  return ['the scratch volume', ...(method === 'application-agent' ? ["the agents' output"] : [])];
}

/** Rides out the restart of a gateway. Nothing is made yet, so an early answer costs a person less than a late one. */
const VAULT_ANSWERS_WITHIN_MS = 30_000;

function refuseUnreachable(error: unknown, { vault, sinceMs }: { vault: string; sinceMs: number }): unknown {
  const mayPass = error instanceof VaultError && error.code === 'VaultUnreachable';
  if (!mayPass || sinceMs < VAULT_ANSWERS_WITHIN_MS) return error;
  const message = `vault "${vault}" did not answer for ${Math.round(sinceMs / 1000)} s: ${error.message}`;
  return new PlatformError('PreflightRefused', message, { context: { vault }, cause: error });
}

/**
 * Both roles live in one network: its lines are read for each and need telling once. One name may be broken in several ways
 * (a line for each key), of which all are told.
 */
function tellOnce(checks: readonly Check[]): readonly Check[] {
  return [...Map.groupBy(checks, ({ name }) => name).values()].flatMap((same) => {
    const broken = same.filter(({ verdict }) => verdict === 'broken');
    return broken.length > 0 ? [...new Map(broken.map((check) => [check.found, check])).values()] : same.slice(-1);
  });
}

function sessionOf({ run, backup }: PreflightRequest, machine: MachineFacts, toolVersion: string) {
  return {
    runId: run.runId,
    startedAt: timeOf(run.runId),
    toolVersion,
    source: { platform: 'ec2', machineId: run.sourceId },
    workflow: { workflowId: run.workflowId, temporalRunId: run.temporalRunId },
    volumes: promised(backup, machine).map(({ volumeId, bytes }) => ({ volumeId, volumeBytes: bytes })),
  };
}

/** What the point must hold to be whole: the commit compares. */
function promised({ outputOnly, limits }: ResolvedBackup, machine: MachineFacts): readonly VolumeFacts[] {
  return outputOnly ? [outputVolume(machine, outputRegion(limits, machine.volumes))] : machine.volumes;
}

/** A runId begins with its time: a repeated attempt writes the same session. */
function timeOf(runId: string): string {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(runId) ?? [];
  return `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
}

function refuseBroken(checks: readonly Check[], run: Run): void {
  // What no listed client can read counts as broken until the isolation profile accepts it by name.
  const refused = checks.filter(({ verdict }) => verdict === 'broken' || verdict === 'not-checked');
  if (refused.length === 0) return;
  const reasons = [...new Set(refused.map(describeCheck))];
  throw new PlatformError(
    'PreflightRefused',
    `${run.sourceId} cannot be backed up as asked (${reasons.length} reason${reasons.length === 1 ? '' : 's'}):\n${reasons.map((reason) => `- ${reason}`).join('\n')}`,
    { context: { instanceId: run.sourceId, reasons: reasons.length } },
  );
}

function describeCheck({ name, verdict, found, remedy }: Check): string {
  const read = `${name}: ${verdict === 'not-checked' ? 'could not be checked: ' : ''}${guestText(found)}`;
  return remedy ? `${read}. ${guestText(remedy)}` : read;
}
