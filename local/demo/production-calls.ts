import type { CloudCall } from '../up/cloud-control.ts';

/** What production's machine and account saw during the run, as the local cloud recorded it. */
export interface ProductionRecord {
  /** Captures that were really taken; one is allowed. */
  readonly captures: readonly CloudCall[];
  /** Calls that a backup may not make on production. */
  readonly forbidden: readonly CloudCall[];
  /** Commands to its machine that stop it for however short a time. */
  readonly pauses: readonly CloudCall[];
}

/** Commands of QEMU's monitor after which a machine no longer runs as before. */
const PAUSING = /^qmp:(stop|cont|quit|system_powerdown|system_reset|system_wakeup|migrate|snapshot-.*|savevm|loadvm)$/;
const READ = /^(Describe|Get|List)/;
/** They cannot touch a machine or a volume that exists: production stands in a tag, a parameter or a description. */
const MAKES_ONLY_NEW = /^(RunInstances|RegisterImage|StartSnapshot)$/;
/** On the run's own machines and volumes, which name production in a tag. */
const ON_OWN_MACHINES = /^(CreateSnapshot|CreateSnapshots|TerminateInstances)$/;

export interface ProductionIds {
  readonly instanceId: string;
  readonly volumeIds: readonly string[];
}

export function readProductionRecord(
  calls: readonly CloudCall[],
  { instanceId, volumeIds }: ProductionIds,
): ProductionRecord {
  const touchesDisks = (call: CloudCall) => call.volumeIds.some((id) => volumeIds.includes(id));
  const touches = (call: CloudCall) => touchesDisks(call) || call.instanceIds.includes(instanceId);
  const done = calls.filter(({ error, dryRun }) => error === undefined && !dryRun).filter(touches);
  const api = done.filter(({ service, action }) => service !== 'machine' && !READ.test(action));
  const captures = api.filter((call) => call.action === 'CreateSnapshots' && touchesDisks(call));
  return {
    captures,
    forbidden: api.filter((call) => {
      if (captures.includes(call) || MAKES_ONLY_NEW.test(call.action)) return false;
      return touchesDisks(call) || !ON_OWN_MACHINES.test(call.action);
    }),
    pauses: done.filter(({ service, action }) => service === 'machine' && PAUSING.test(action)),
  };
}
