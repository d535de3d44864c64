import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DemoEvidence, judgeDemo } from '../../local/demo/facts.ts';
import { readLedgerContacts } from '../../local/demo/ledger-contacts.ts';
import type { LedgerEntry } from '../../local/production/ledger.ts';
import type { CloudCall } from '../../local/up/cloud-control.ts';
import { ledgerFile } from '../../local/up/ledger-server.ts';
import { must } from '../../local/up/named.ts';
import { findTaggedResources } from '../../local/up/tagged-resources.ts';
import type { BackupResult } from '../../src/client/index.ts';
import type { OwnMachine } from '../../src/contract/machine.ts';
import { createEc2Platform } from '../../src/platforms/ec2/platform.ts';
import { WrittenBlocks } from '../../src/vault/index.ts';
import { awaitCloneOf } from '../support/clone-of.ts';
import { type EndedRun, endOf } from '../support/ended-run.ts';
import { addIsolationProfiles } from '../support/isolation-profiles.ts';
import { readSerial, serialShows } from '../support/machine-console.ts';
import { makeSealedNetwork, openToInternet, type SecondNetwork } from '../support/second-network.ts';
import { openTestLab, type TestLab } from '../support/test-lab.ts';
import { launchVariant, type VariantMachine } from '../support/variant-machine.ts';
import { waitFor } from '../support/wait-for.ts';

const GATEWAY = '10.20.1.1';
const RESOLVER = '10.20.1.2';
/** The same two in the subnet of verification machines. */
const VERIFY_GATEWAY = '10.20.2.1';
const VERIFY_RESOLVER = '10.20.2.2';
const METADATA = '169.254.169.254';
/** Three posts of a machine that is connected, one per second. */
const LEDGER_LIMIT_MS = 120_000;

let lab: TestLab;
let second: SecondNetwork;
/** Something on this host that a clone has no business with. */
let hostService: Server;
let hostContacts = 0;
let prober: VariantMachine;
let result: BackupResult;
/** The run of production whose network was opened after its preflight. */
let opened: { readonly ended: EndedRun; readonly cloneId: string };

beforeAll(async () => {
  lab = await openTestLab();
  second = await makeSealedNetwork(lab.aws.ec2, lab.lab.plan.zone);
  const own = await describeNetwork(lab.lab.status.production.instanceId);
  await addIsolationProfiles(lab, { second, 'production-network': own });
  hostService = createServer((socket) => {
    hostContacts++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => hostService.listen(0, '127.0.0.1', resolve));
  // Two machines, so both runs may be under way at once.
  [result, opened] = await Promise.all([backUpProber(own.privateAddress), openAfterPreflight()]);
});

afterAll(async () => {
  await prober?.[Symbol.asyncDispose]();
  hostService?.close();
  await lab?.[Symbol.asyncDispose]();
});

test('the probe works: from production it reaches the ledger, and the host service counts who comes', async () => {
  expect((await probed(prober.instanceId)).reached).toEqual(['ledger', 'metadata']);
  const before = hostContacts;
  connect({ host: '127.0.0.1', port: portOf(hostService) });
  await waitFor(async () => (hostContacts > before ? true : undefined), { limitMs: 5_000, what: 'a counted contact' });
  hostContacts = before;
});

test.each(['clone', 'verify'])(
  'a machine of role %s reaches its metadata and nothing else in the world',
  async (role) => {
    const machineId = await machineOf(
      role === 'clone' ? result.runId : must(result.verification?.runId, 'a verification'),
    );
    const { reached, closed } = await probed(machineId);
    expect(reached).toEqual(['metadata']);
    expect(closed).toEqual([
      'cloud-api',
      'host-service',
      'host-service-verify',
      'internet',
      'ledger',
      'metadata-other',
      'production',
      'resolver-tcp',
      'resolver-udp',
      'resolver-verify',
      's3',
      'temporal',
    ]);
    expect(hostContacts).toBe(0);
    const bootId = must(/ boot ([0-9a-f-]{36})/.exec(await serial(machineId))?.[1], 'boot id');
    const contacts = (await ledger()).filter((entry) => entry.instanceId === machineId || entry.bootId === bootId);
    expect(contacts).toEqual([]);
  },
);

test("preflight refuses production's own network and names route, group, name resolution and network", async () => {
  const mark = await lab.mark();
  const { failure } = await endOf(await lab.start({ isolation: 'production-network', verify: false }));
  expect(failure).toMatchObject({ code: 'PreflightRefused' });
  const { vpcId, securityGroupId } = await describeNetwork(lab.lab.status.production.instanceId);
  for (const line of [
    new RegExp(`^- network-apart: ${vpcId} is production's own network\\. `, 'm'),
    new RegExp(`^- dns-off: name resolution in ${vpcId} is on\\. `, 'm'),
    new RegExp(
      `^- security-group: ${securityGroupId} allows in: tcp 5432 .*out: everything with 0\\.0\\.0\\.0/0\\. `,
      'm',
    ),
    /^- subnet-routes: rtb-\w+ routes 0\.0\.0\.0\/0 to igw-\w+\. /m,
    /^- internet-gateways: .*igw-\w+/m,
  ]) {
    expect(failure?.message).toMatch(line);
  }
  const made = (await lab.callsSince(mark)).filter(
    ({ action, dryRun }) => /^(Create|Run|Start)/.test(action) && !dryRun,
  );
  expect(made.filter(({ service }) => service === 'ec2' || service === 'ebs')).toEqual([]);
});

test('a network that is opened after preflight turns the run red, and the clone in it is ended', async () => {
  const { ended, cloneId } = opened;
  expect(ended.failure).toMatchObject({ code: 'IsolationBroken' });
  expect(ended.failure?.message).toContain(`the running clone ${cloneId} is not isolated: `);
  for (const name of ['security-group', 'internet-gateways', 'subnet-routes', 'subnet-acl']) {
    expect(ended.failure?.message).toContain(`${name}: `);
  }
  expect(await resourcesOf(ended.runId)).toEqual([]);
});

test('a clone in an open network does reach the ledger: the contact is seen, and the demo would be red', async () => {
  const { control, production, stateDir } = lab.lab.status;
  const open = await prepareOpenLaunch();
  await prober[Symbol.asyncDispose](); // it posts as well, and would be counted
  const sinceMs = Date.now();
  const { machine, remove } = await open();
  try {
    await serialShows({ control, instanceId: machine.machineId, pattern: /boot complete/ });
    await waitFor(async () => (await ledger()).find(({ instanceId }) => instanceId === machine.machineId), {
      limitMs: LEDGER_LIMIT_MS,
      what: `${machine.machineId} reaches the ledger`,
    });
    expect((await probed(machine.machineId)).reached).toContain('ledger');
    const contacts = await readLedgerContacts(stateDir, production.instanceId, sinceMs);
    expect(contacts.others).toBeGreaterThan(0);
    const holding = judgeDemo(evidenceWith({ ...contacts, others: 0 })).find(({ name }) => name === 'isolation');
    const broken = judgeDemo(evidenceWith(contacts)).find(({ name }) => name === 'isolation');
    expect([holding?.holds, broken?.holds]).toEqual([true, false]);
  } finally {
    await remove();
  }
});

async function backUpProber(production: string): Promise<BackupResult> {
  prober = await launchVariant(lab, { guest: 'network-probe.sh', values: { TARGETS: targets(production) } });
  return lab.backup({ instanceId: prober.instanceId });
}

async function openAfterPreflight() {
  const { instanceId } = lab.lab.status.production;
  const mark = await lab.mark();
  const run = await lab.start({ isolation: 'second', verify: false });
  const isItsCapture = (call: CloudCall) => isCapture(call) && call.instanceIds.includes(instanceId);
  await waitFor(async () => (await lab.callsSince(mark)).find(isItsCapture), { limitMs: 60_000, what: 'the capture' });
  await openToInternet(lab.aws.ec2, second);
  const cloneId = await awaitCloneOf(lab, instanceId);
  return { ended: await endOf(run), cloneId };
}

/** Names for addresses; what is behind a port of the host runs, or nothing could be reached by anybody. */
function targets(production: string): string {
  const { aws, control, temporal } = lab.lab.status;
  const host = (url: string) => `${GATEWAY}:${new URL(url).port}`;
  return [
    `tcp:metadata=${METADATA}:80`,
    `tcp:metadata-other=${METADATA}:${portOf(hostService)}`,
    'tcp:ledger=203.0.113.10:8080',
    `tcp:production=${production}:5432`,
    `tcp:host-service=${GATEWAY}:${portOf(hostService)}`,
    `tcp:host-service-verify=${VERIFY_GATEWAY}:${portOf(hostService)}`,
    `tcp:cloud-api=${host(control)}`,
    `tcp:s3=${host(aws.endpoints.s3)}`,
    `tcp:temporal=${host(`http://${temporal.address}`)}`,
    `tcp:resolver-tcp=${RESOLVER}:53`,
    `dns:resolver-udp=${RESOLVER}:53`,
    `dns:resolver-verify=${VERIFY_RESOLVER}:53`,
    'tcp:internet=1.1.1.1:443',
  ].join(' ');
}

interface Probed {
  readonly reached: readonly string[];
  readonly closed: readonly string[];
}

/** What the guest says that it reached, once it has tried everything. */
async function probed(instanceId: string): Promise<Probed> {
  await serialShows({ control: lab.lab.status.control, instanceId, pattern: /PROBE complete/ });
  const answers = [...(await serial(instanceId)).matchAll(/PROBE (\S+) (reached|closed)/g)];
  const named = (found: string) => answers.flatMap(([, name = '', answer]) => (answer === found ? name : [])).sort();
  return { reached: named('reached'), closed: named('closed') };
}

function serial(instanceId: string): Promise<string> {
  return readSerial(lab.lab.status.control, instanceId);
}

/** EC2 shows terminated machines with their tags for an hour. */
async function machineOf(runId: string): Promise<string> {
  const filters = [{ Name: 'tag:understudy:run', Values: [runId] }];
  const { Reservations = [] } = await lab.aws.ec2.send(new DescribeInstancesCommand({ Filters: filters }));
  return must(Reservations[0]?.Instances?.[0]?.InstanceId, `the machine of ${runId}`);
}

async function describeNetwork(instanceId: string) {
  const { Reservations = [] } = await lab.aws.ec2.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }));
  const { VpcId, SubnetId, SecurityGroups, PrivateIpAddress } = must(Reservations[0]?.Instances?.[0], instanceId);
  const subnetId = must(SubnetId, 'SubnetId');
  return {
    privateAddress: must(PrivateIpAddress, 'PrivateIpAddress'),
    vpcId: must(VpcId, 'VpcId'),
    subnetId,
    verifySubnetId: subnetId,
    securityGroupId: must(SecurityGroups?.[0]?.GroupId, 'GroupId'),
  };
}

async function ledger(): Promise<readonly LedgerEntry[]> {
  const lines = (await readFile(ledgerFile(lab.lab.status.stateDir), 'utf8')).split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as LedgerEntry);
}

function isCapture({ action, dryRun }: { readonly action: string; readonly dryRun: boolean }): boolean {
  return action === 'CreateSnapshots' && !dryRun;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** The product's own launch of a clone of the probing machine, with nobody to ask whether the network is sealed. */
async function prepareOpenLaunch() {
  const { signal } = new AbortController();
  const platform = createEc2Platform({
    clock: () => new Date(),
    sleep: (ms, over) => sleep(ms, undefined, { signal: over }),
    log: () => {},
  });
  const like = await platform.describeMachine(prober.instanceId, signal);
  const runs = await platform.findRuns(lab.lab.plan.deploymentId, signal);
  const { run } = must(
    runs.find((found) => found.run.runId === result.runId),
    'the kept capture',
  );
  const { snapshots } = must(await platform.findCapture(run, prober.volumeIds, signal), 'the kept capture');
  const scratch = { run, role: 'scratch', name: 'open', volumeBytes: 2 ** 30, encryption: 'none' } as const;
  const { ref: scratchSnapshotId } = await (await platform.openSink(scratch, signal)).complete(
    new WrittenBlocks(),
    signal,
  );
  const isolation = {
    name: 'open',
    kind: 'sealed',
    acceptNotChecked: [],
    fallbackInstanceTypes: [],
    ...second,
  } as const;
  return async (): Promise<{ readonly machine: OwnMachine; readonly remove: () => Promise<unknown> }> => ({
    machine: await platform.launch(
      {
        run,
        role: 'clone',
        attempt: 9,
        like,
        snapshots,
        scratchSnapshotId,
        isolation,
        userData: new TextEncoder().encode('#!/bin/sh\n'),
      },
      signal,
    ),
    remove: () =>
      platform.removeRunResources({ run, done: false, keepCapture: false, replacedCaptures: 'keep' }, signal),
  });
}

/** Everything else as after a good demo: only the ledger may decide. */
function evidenceWith(contacts: DemoEvidence['ledger']): DemoEvidence {
  return {
    result,
    load: { clients: [], sent: 1, acknowledged: 1, failedRequests: 0, reconnects: 0 },
    production: { captures: [], forbidden: [], pauses: [] },
    sameMachine: true,
    ledger: contacts,
    resources: [],
    bank: undefined,
    clients: [],
    balance: '0',
    hadBack: [],
  };
}

function resourcesOf(runId: string) {
  return findTaggedResources(lab.aws, { key: 'understudy:run', values: [runId] });
}
