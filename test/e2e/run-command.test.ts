import { afterAll, beforeAll, expect, test } from 'vitest';
import { readProductionRecord } from '../../local/demo/production-calls.ts';
import { type EndpointNetwork, prepareEndpointNetwork, putEndpoints } from '../support/endpoint-network.ts';
import { addIsolationProfiles } from '../support/isolation-profiles.ts';
import { readSealedPoint } from '../support/sealed-point.ts';
import { openTestLab, type TestLab } from '../support/test-lab.ts';

const REQUEST = { isolation: 'commands', method: 'application-agent' } as const;
const AGENTS = ['postgresql', 'redis'];
/** What no client of the product can read, and the local cloud does not have. */
const ACCEPTED = ['resolver-rules', 'lattice-associations', 'dns-firewall', 'instance-role'];

let lab: TestLab;
let network: EndpointNetwork;
let pointId: string;

beforeAll(async () => {
  lab = await openTestLab();
  network = await prepareEndpointNetwork(lab.aws.ec2, lab.lab.plan.zone);
  await putEndpoints(lab.aws.ec2, network, 'open');
  const profile = {
    kind: 'endpoints-only',
    instanceProfile: 'understudy-isolated',
    acceptNotChecked: ACCEPTED,
  } as const;
  await addIsolationProfiles(lab, { commands: network }, profile);
});
afterAll(async () => lab?.[Symbol.asyncDispose]());

test('endpoints that let everything through are refused with what to do, before production is captured', async () => {
  const mark = await lab.mark();
  const failure = await lab.refusal(await lab.start(REQUEST));
  expect(failure.code).toBe('PreflightRefused');
  const reasons = failure.message.split('\n').filter((line) => line.startsWith('- '));
  expect(reasons).toEqual([expect.stringMatching(/^- endpoint-policies: vpce-.*it allows \*.*docs\/aws\.md/)]);
  const calls = await lab.callsSince(mark);
  expect(calls.filter(({ action, dryRun }) => action === 'CreateSnapshots' && !dryRun)).toEqual([]);
});

test('a backup by agents sends one command to its clone and one to its verification machine, and production sees the capture alone', async () => {
  await putEndpoints(lab.aws.ec2, network, 'narrow');
  const mark = await lab.mark();
  const result = await lab.backup(REQUEST);
  pointId = result.pointId;
  expect(result.consistency.disks).toBe('clean-shutdown');
  expect(result.agents?.map(({ recipe, exitStatus }) => `${recipe} ${exitStatus}`)).toEqual(
    AGENTS.map((name) => `${name} 0`),
  );
  expect(result.verification?.verdict).toBe('green');
  for (const name of AGENTS) {
    const fact = result.verification?.facts.find((one) => one.name === `${name} output`);
    expect(fact).toMatchObject({ verdict: 'clean', found: expect.stringContaining('loaded into a fresh instance') });
  }
  const broken = [...result.preflight, ...result.isolation].filter(({ verdict }) => /broken|not/.test(verdict));
  expect(broken).toEqual([]);
  expect(result.isolation.find(({ name }) => name === 'machine-profile')?.found).toContain('understudy-isolated');
  const calls = await lab.callsSince(mark);
  const launched = calls.filter(({ action, error }) => action === 'RunInstances' && error === undefined);
  const ours = launched.flatMap(({ instanceIds }) => instanceIds).filter((id) => id !== result.instanceId);
  expect(ours).toHaveLength(2);
  const of = (action: string) => calls.filter((call) => call.action === action && call.error === undefined);
  for (const action of ['SendCommand', 'qmp:ssm-start'])
    expect(of(action).map(({ instanceIds }) => instanceIds)).toEqual(ours.map((id) => [id]));
  const { evidence } = await readSealedPoint(lab.lab.status, result.pointId);
  expect(new TextDecoder().decode(evidence.get('clone-1-command.txt'))).toMatch(/^command [0-9a-f-]{36}: \w+\n/);
  const { instanceId, volumeIds } = lab.lab.status.production;
  const record = readProductionRecord(calls, { instanceId, volumeIds });
  expect(record.captures).toHaveLength(1);
  expect([...record.forbidden, ...record.pauses]).toEqual([]);
});

test('one table comes out of its disks by one command to one machine, through the same endpoints', async () => {
  const mark = await lab.mark();
  const request = { pointId, database: 'bank', table: 'accounts', isolation: 'commands' };
  const { extract, leftovers } = await (await lab.client.restoreTable(request)).result();
  expect(extract).toMatchObject({ format: 'sql', name: 'public.accounts' });
  expect(extract.rows).toBeGreaterThan(100);
  expect(leftovers).toEqual([]);
  const calls = (await lab.callsSince(mark)).filter(({ error }) => error === undefined);
  // The call that launches names its source too.
  const of = (action: string) =>
    calls.filter((call) => call.action === action).flatMap(({ instanceIds }) => instanceIds);
  const ours = of('RunInstances').filter((id) => id !== lab.lab.status.production.instanceId);
  expect(ours).toHaveLength(1);
  expect(of('SendCommand')).toEqual(ours);
});
