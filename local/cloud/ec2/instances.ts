import type { InstanceStatus } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError } from '../cloud-error.ts';
import { inBackground } from '../in-background.ts';
import type { InstanceRecord, InstanceState } from '../records.ts';
import { describe, require } from './describe.ts';
import { type FilterTable, noneHas, UNMANAGED } from './filters.ts';
import { instanceFilters } from './instance-filters.ts';
import { renderInstance, renderState, STATE_CODES } from './instance-view.ts';
import { FilterList, type Operations, operation, PAGED } from './operation.ts';

/** EC2 shows a terminated instance for about an hour. */
const SHOW_TERMINATED_MS = 3_600_000;

export const instanceOperations: Operations = {
  DescribeInstances: operation(
    { InstanceIds: z.array(z.string()).optional(), Filters: FilterList, ...PAGED },
    (input, { cloud }) => {
      const { items, NextToken } = describe({
        cloud,
        prefix: 'i',
        records: shown(cloud),
        ids: input.InstanceIds,
        filters: input.Filters,
        table: instanceFilters(cloud),
        page: input,
      });
      const reservations = items.map((instance) => ({
        ReservationId: instance.reservationId,
        OwnerId: cloud.settings.accountId,
        Groups: [],
        Instances: [renderInstance(instance, cloud)],
      }));
      return { Reservations: reservations, NextToken };
    },
  ),

  DescribeInstanceStatus: operation(
    {
      InstanceIds: z.array(z.string()).optional(),
      IncludeAllInstances: z.boolean().default(false),
      Filters: FilterList,
      ...PAGED,
    },
    (input, { cloud }) => {
      const records = shown(cloud).filter(({ state }) => input.IncludeAllInstances || state === 'running');
      const ids = input.IncludeAllInstances
        ? input.InstanceIds
        : input.InstanceIds?.filter((id) => records.some((record) => record.id === id));
      const named = (input.InstanceIds ?? []).length > 0 && ids?.length === 0;
      for (const id of input.InstanceIds ?? []) require(cloud.db.instances, 'i', id);
      const { items, NextToken } = describe({
        cloud,
        prefix: 'i',
        records: named ? [] : records,
        ids,
        filters: input.Filters,
        table: STATUS_FILTERS,
        page: input,
      });
      return { InstanceStatuses: items.map(renderStatus), NextToken };
    },
  ),

  // The variables of a UEFI machine; ours start through a legacy BIOS, for which EC2 has none either.
  GetInstanceUefiData: operation({ InstanceId: z.string() }, (input, { cloud }) => {
    const { id } = require(cloud.db.instances, 'i', input.InstanceId);
    throw new CloudError('UnsupportedOperation', `The instance ${id} does not boot with UEFI, so it has no UEFI data.`);
  }),

  StartInstances: operation({ InstanceIds: z.array(z.string()).min(1) }, (input, { cloud }) => {
    const instances = input.InstanceIds.map((id) => require(cloud.db.instances, 'i', id));
    for (const { id, state } of instances) {
      if (state !== 'stopped' && state !== 'running' && state !== 'pending') throw incorrectState(id, state, 'started');
    }
    return {
      StartingInstances: instances.map((instance) => changeState(cloud, instance, () => start(cloud, instance))),
    };
  }),

  StopInstances: operation(
    {
      InstanceIds: z.array(z.string()).min(1),
      Force: z.boolean().default(false),
      SkipOsShutdown: z.boolean().default(false),
      Hibernate: z.literal(false).optional(),
    },
    (input, { cloud }) => {
      const instances = input.InstanceIds.map((id) => require(cloud.db.instances, 'i', id));
      for (const { id, state } of instances) {
        if (state === 'terminated' || state === 'shutting-down' || state === 'pending')
          throw incorrectState(id, state, 'stopped');
      }
      const hard = input.SkipOsShutdown || input.Force;
      return {
        StoppingInstances: instances.map((instance) => changeState(cloud, instance, () => stop(cloud, instance, hard))),
      };
    },
  ),

  RebootInstances: operation({ InstanceIds: z.array(z.string()).min(1) }, async (input, { cloud }) => {
    const instances = input.InstanceIds.map((id) => require(cloud.db.instances, 'i', id));
    for (const { id, state } of instances) if (state !== 'running') throw incorrectState(id, state, 'rebooted');
    for (const { id } of instances) await cloud.machines.reboot(id);
    return undefined;
  }),

  TerminateInstances: operation(
    { InstanceIds: z.array(z.string()).min(1), Force: z.boolean().optional(), SkipOsShutdown: z.boolean().optional() },
    (input, { cloud }) => {
      const instances = input.InstanceIds.map((id) => require(cloud.db.instances, 'i', id));
      for (const { id, apiTermination } of instances) {
        if (!apiTermination) {
          throw new CloudError(
            'OperationNotPermitted',
            `The instance '${id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`,
          );
        }
      }
      return {
        TerminatingInstances: instances.map((instance) =>
          changeState(cloud, instance, () => terminate(cloud, instance)),
        ),
      };
    },
  ),
};

function shown({ db, now }: Cloud): InstanceRecord[] {
  return db.instances
    .all()
    .filter(({ state, stateChangedAt }) => state !== 'terminated' || now() - stateChangedAt < SHOW_TERMINATED_MS);
}

function incorrectState(id: string, state: string, verb: string): CloudError {
  return new CloudError('IncorrectInstanceState', `The instance '${id}' is in state '${state}' and cannot be ${verb}.`);
}

function changeState({ db }: Cloud, { id, state }: InstanceRecord, change: () => void) {
  change();
  return {
    InstanceId: id,
    PreviousState: renderState(state),
    CurrentState: renderState(db.instances.get(id)?.state ?? state),
  };
}

function start({ db, now, machines }: Cloud, instance: InstanceRecord): void {
  if (instance.state !== 'stopped') return;
  const { stateReason, ...rest } = instance;
  db.instances.put({ ...rest, state: 'pending', transitionReason: '', launchedAt: now(), stateChangedAt: now() });
  inBackground(`starting ${instance.id}`, machines.launch(instance.id));
}

function stop({ db, now, machines }: Cloud, instance: InstanceRecord, hard: boolean): void {
  if (instance.state === 'stopped') return;
  const at = instance.ending?.at ?? now();
  db.instances.update(instance.id, { state: 'stopping', ending: { kind: 'stop', at, hard }, stateChangedAt: now() });
  inBackground(`ending ${instance.id}`, machines.end(instance.id));
}

/** Guests get the power button here too, but nobody waits for one that is being thrown away. */
function terminate({ db, now, machines }: Cloud, instance: InstanceRecord): void {
  if (instance.state === 'terminated') return;
  const ending = { kind: 'terminate' as const, at: now(), hard: true };
  db.instances.update(instance.id, { state: 'shutting-down', ending, stateChangedAt: now() });
  inBackground(`ending ${instance.id}`, machines.end(instance.id));
}

const STATUS_FILTERS: FilterTable<InstanceRecord> = {
  'availability-zone': ({ zone }) => [zone],
  'availability-zone-id': ({ zone }) => [zone],
  'instance-state-code': ({ state }) => [STATE_CODES[state]],
  'instance-state-name': ({ state }) => [state],
  'instance-status.reachability': ({ state }) => reachability(state).map(({ Status }) => Status),
  'instance-status.status': ({ state }) => [status(state)],
  'system-status.reachability': ({ state }) => reachability(state).map(({ Status }) => Status),
  'system-status.status': ({ state }) => [status(state)],
  ...UNMANAGED,
  ...noneHas(
    'application-status.status',
    'attached-ebs-status.status',
    'event.code',
    'event.description',
    'event.instance-event-id',
    'event.not-after',
    'event.not-before',
    'event.not-before-deadline',
  ),
};

function status(state: InstanceState) {
  return state === 'running' ? ('ok' as const) : ('not-applicable' as const);
}

function reachability(state: InstanceState) {
  return state === 'running' ? [{ Name: 'reachability' as const, Status: 'passed' as const }] : [];
}

function renderStatus({ id, zone, state }: InstanceRecord): InstanceStatus {
  return {
    InstanceId: id,
    AvailabilityZone: zone,
    InstanceState: renderState(state),
    InstanceStatus: { Status: status(state), Details: reachability(state) },
    SystemStatus: { Status: status(state), Details: reachability(state) },
    Events: [],
  };
}
