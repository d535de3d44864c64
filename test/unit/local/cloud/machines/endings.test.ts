import { expect, test } from 'vitest';
import { endOf } from '../../../../../local/cloud/machines/endings.ts';
import type { InstanceRecord } from '../../../../../local/cloud/records.ts';

const stop = { kind: 'stop', at: 0, hard: false } as const;
const terminate = { kind: 'terminate', at: 0, hard: true } as const;

test.each([
  { facts: { poweredOffByGuest: true }, state: 'stopped', code: 'Client.InstanceInitiatedShutdown' },
  { facts: { poweredOffByGuest: true, ending: stop }, state: 'stopped', code: 'Client.UserInitiatedShutdown' },
  { facts: { ending: stop }, state: 'stopped', code: 'Client.UserInitiatedShutdown' },
  { facts: { ending: terminate, poweredOffByGuest: true }, state: 'terminated', code: 'Client.UserInitiatedShutdown' },
  { facts: {}, state: 'stopped', code: 'Server.InternalError' },
  {
    facts: { poweredOffByGuest: true, shutdownBehavior: 'terminate' },
    state: 'terminated',
    code: 'Client.InstanceInitiatedShutdown',
  },
])('a machine that ended with $facts is $state for $code', ({ facts, state, code }) => {
  const end = endOf({ shutdownBehavior: 'stop', ...facts } as InstanceRecord);
  expect({ state: end.state, code: end.reason.code }).toEqual({ state, code });
});
