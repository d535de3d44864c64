import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CloudCall } from '../../local/up/cloud-control.ts';
import { openLabVault } from '../../local/up/lab-vault.ts';
import { findTaggedResources } from '../../local/up/tagged-resources.ts';
import type { BackupResult } from '../../src/client/index.ts';
import { readEvidence } from '../../src/vault/index.ts';
import { runVaultCli } from '../support/cli-run.ts';
import { type EndedRun, endOf } from '../support/ended-run.ts';
import { readSealedPoint } from '../support/sealed-point.ts';
import { openTestLab, type TestLab } from '../support/test-lab.ts';
import { launchVariant } from '../support/variant-machine.ts';

const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const agent = (name: string) => ({ use: 'command', scripts: { agent: path(`support/agents/${name}.sh`) } });

/** In the order in which they run. */
const RECIPES = {
  fails: agent('fails'),
  hangs: agent('hangs'),
  lasts: agent('lasts'),
  breaks: {
    use: 'command',
    scripts: { recovered: path('../src/recipes/redis/recovered.sh'), agent: path('support/agents/breaks.sh') },
    params: { port: 6379, socket: '/run/redis/redis.sock' },
  },
  fills: agent('fills'), // last: the others need room
  lonely: {
    use: 'command',
    scripts: { recovered: path('support/agents/lonely.sh'), agent: path('support/agents/writes.sh') },
  },
};
const DIES = { dies: agent('dies') };
const WRITES = { writes: agent('writes') };
/** Two agents are waited for until their limit is over, which is more than the others need. */
const LIMITS = { agentMs: 45_000, recoverMs: 30_000, outputGiB: 1 };
const REQUEST = { method: 'application-agent', verify: false } as const;

let lab: TestLab;
/** One clone, six agents. It mostly waits for limits, so it is under way beside everything else. */
let misbehaved: Promise<EndedRun>;
let died: EndedRun;
/** By an agent that behaves, without the disks. */
let output: BackupResult;
let outputCalls: readonly CloudCall[];

beforeAll(async () => {
  lab = await openTestLab({ limits: LIMITS, recipes: { ...RECIPES, ...DIES, ...WRITES } });
  misbehaved = misbehave();
  misbehaved.catch(() => undefined); // It is awaited, and may fail, in tests of its own.
  died = await endOf(await lab.start({ ...REQUEST, recipes: ['dies'] }));
  const mark = await lab.mark();
  output = await lab.backup({ ...REQUEST, recipes: ['writes'], disks: false, verify: true });
  outputCalls = await lab.callsSince(mark);
}, 900_000);
afterAll(async () => {
  await Promise.allSettled([misbehaved]);
  await lab?.[Symbol.asyncDispose]();
});

test.each([
  ['fails', /fails: exit status 3; its last words: "cannot connect to the catalog"/],
  ['hangs and takes no end', /hangs: it was ended at its limit \(limits\.agentMs\)/],
  ['works longer than its limit', /lasts: it was ended at its limit \(limits\.agentMs\)/],
  ['leaves its application dead', /breaks: it left its application unusable/],
  ['fills its volume', /fills: exit status 1: the dump does not fit; its last words: /],
  ['waits for a peer that no clone reaches', /lonely: its application did not recover within its limit/],
])('an agent that %s is named with its reason', async (_, says) => {
  const ended = await misbehaved;
  expect(ended.failure).toMatchObject({ code: 'AgentFailed' });
  expect(ended.failure?.message).toMatch(says);
});

test.each([
  { name: 'fails', last: 'cannot connect to the catalog' },
  { name: 'hangs', last: 'waiting for the catalog' },
  { name: 'lasts', last: 'row' },
  { name: 'breaks', last: '{"ok":true' },
  { name: 'fills', last: 'No space left on device' },
])('the log of one that $name is sealed, and the failure names it', async ({ name, last }) => {
  const ended = await misbehaved;
  expect(ended.failure?.message).toContain(`clone-1-result-answers-${name}.agent.log`);
  expect(await evidenceOf(ended, `clone-1-result-answers-${name}.agent.log`)).toContain(last);
});

test('a machine that dies with its agent is a failure of that agent, and its console is sealed', async () => {
  expect(died.failure).toMatchObject({ code: 'AgentFailed' });
  expect(died.failure?.message).toMatch(/dies: the machine ended before its results were written/);
  expect(await evidenceOf(died, 'clone-1-console.txt')).toContain('"step":"agent","recipe":"dies"');
});

test.each(['misbehaved', 'died'])('nothing of the run that %s is committed or left behind', async (which) => {
  const { runId } = which === 'died' ? died : await misbehaved;
  await expect(readSealedPoint(lab.lab.status, runId)).rejects.toMatchObject({ code: 'PointMissing' });
  expect(await findTaggedResources(lab.aws, { key: 'understudy:run', values: [runId] })).toEqual([]);
});

describe('a backup without disks', () => {
  test('holds what the agent wrote, read whole from the vault, and claims nothing of the disks', () => {
    expect(output.consistency).toMatchObject({
      disks: null,
      agents: { writes: 'application-consistent' },
      lowered: [],
    });
    expect(output.volumes.map(({ volumeId }) => volumeId)).toEqual(['agent-output']);
    expect(output.consistency.facts).toContainEqual(
      expect.objectContaining({
        name: 'writes archived',
        found: expect.stringMatching(/^1 files .* with their SHA-256$/),
      }),
    );
    expect(output.check).toMatchObject({ verdict: 'green', level: 'full' });
  });

  test('gives its files back from the vault alone', async () => {
    const { exitCode, stdout } = await runVaultCli('files', 'cat', `${output.pointId}:/writes/file`);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'done\n' });
  });

  test('is refused where a machine would be needed, and says what can be done instead', async () => {
    const failure = await lab.refusal(await lab.client.verify({ pointId: output.pointId }));
    expect(failure.code).toBe('PointHasNoDisks');
  });

  test('snapshots production once and no disk of its clone, and leaves nothing, its capture included', async () => {
    const captures = outputCalls.filter(
      ({ action, dryRun, error }) => action === 'CreateSnapshots' && !dryRun && error === undefined,
    );
    expect(captures.map(({ instanceIds }) => instanceIds)).toEqual([[output.instanceId]]);
    expect(await findTaggedResources(lab.aws, { key: 'understudy:run', values: [output.runId] })).toEqual([]);
  });
});

async function misbehave(): Promise<EndedRun> {
  await using machine = await launchVariant(lab, {});
  return await endOf(await lab.start({ ...REQUEST, instanceId: machine.instanceId, recipes: Object.keys(RECIPES) }));
}

/** What was sealed of a run that made no point. */
async function evidenceOf({ runId }: EndedRun, name: string): Promise<string> {
  const { signal } = new AbortController();
  const vault = await openLabVault(lab.lab.status, signal);
  try {
    const { bytes } = await readEvidence({ vault, ref: { runId, name }, signal });
    return new TextDecoder('latin1').decode(bytes);
  } finally {
    await vault.close();
  }
}
