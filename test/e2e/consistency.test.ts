import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StopInstancesCommand } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findTaggedResources } from '../../local/up/tagged-resources.ts';
import { ensureImageSnapshot } from '../../local/up/upload-image.ts';
import type { BackupRequest } from '../../src/client/index.ts';
import { awaitCloneThatShows } from '../support/clone-of.ts';
import { type EndedRun, endOf, loweredBy } from '../support/ended-run.ts';
import { readSealedPoint } from '../support/sealed-point.ts';
import { openTestLab, type TestLab } from '../support/test-lab.ts';
import { launchVariant, type VariantWish } from '../support/variant-machine.ts';

const RECIPES = ['postgresql', 'redis'];
const LOWERED = { verify: false, atLeast: 'crash-consistent', recipes: RECIPES } as const;
const DEFAULT = { verify: false, recipes: RECIPES } as const;
/** An application whose end waits for a machine that no clone reaches, and whose script ignores every signal but one. */
const PARTING = {
  use: 'command',
  scripts: { stop: fileURLToPath(new URL('../support/agents/parting.sh', import.meta.url)) },
};
/** Half of it is for scripts that stop applications; whatever waits takes all of that. */
const LIMITS = { shutdownMs: 120_000 };
/** The boot script's last line before it powers the clone off: everything is reported, the shutdown takes seconds. */
const REPORTED = /"step":"reported"/;
const RECOVERED = /"step":"recovered","recipe":"redis","ok":true/;

let lab: TestLab;
/** Runs of machines that misbehave at their end, all under way while production's clones are looked at. */
let deaf: Promise<EndedRun>;
let liar: Promise<EndedRun>;
let stranger: Promise<EndedRun>;

beforeAll(async () => {
  lab = await openTestLab({ limits: LIMITS, recipes: { parting: PARTING } });
  deaf = backUpVariant({ guest: 'stopped-postgresql.sh' }, DEFAULT);
  liar = backUpVariant({ guest: 'forged-end.sh' }, LOWERED);
  stranger = backUpVariant({ extraSnapshotId: await randomVolume() }, { ...DEFAULT, recipes: [...RECIPES, 'parting'] });
  // Each is awaited, and may fail, in its own test.
  for (const run of [deaf, liar, stranger]) run.catch(() => undefined);
});

afterAll(async () => {
  await Promise.allSettled([deaf, liar, stranger]);
  await lab?.[Symbol.asyncDispose]();
});

describe('a clone that loses its power', () => {
  let ended: EndedRun;

  beforeAll(async () => {
    ended = await endProductionsClone(LOWERED, RECOVERED, async (cloneId) => {
      await fetch(`${lab.lab.status.control}/v1/instances/${cloneId}/power-cut`, { method: 'POST' });
    });
  });

  test('is crash-consistent, and the result names every piece of evidence that is missing', () => {
    const { production } = lab.lab.status;
    expect(ended.failure?.message).toBeUndefined();
    expect(ended.result?.consistency.disks).toBe('crash-consistent');
    const lowered = ended.result?.consistency.lowered.join('\n');
    expect(lowered).toMatch(/^power-off: the machine ended by Server\./m);
    for (const id of production.volumeIds) expect(lowered).toMatch(new RegExp(`^file-system ${id}.*: ext4: `, 'm'));
    expect(lowered).toMatch(/^postgresql clean: .* says "in production"/m);
  });

  test('is committed as what it is: the manifest holds the class and what refuted the better one', async () => {
    const { manifest } = await readSealedPoint(lab.lab.status, ended.runId);
    expect(manifest.consistency).toMatchObject({ atLeast: 'crash-consistent', disks: 'crash-consistent' });
    const refuted = manifest.consistency.proofs.filter(({ verdict }) => verdict === 'refuted').map(({ name }) => name);
    expect(refuted).toEqual(expect.arrayContaining(['power-off', 'postgresql clean']));
  });

  describe('and after it one that somebody else stops while it ends in perfect order', () => {
    let stopped: EndedRun;

    beforeAll(async () => {
      stopped = await endProductionsClone(DEFAULT, REPORTED, async (cloneId) => {
        await lab.aws.ec2.send(new StopInstancesCommand({ InstanceIds: [cloneId] }));
      });
    });

    test('fails for this alone: every flag is clean, only the order to end did not come from the guest', () => {
      expect(stopped.failure).toMatchObject({ code: 'ConsistencyTooLow' });
      expect(loweredBy(stopped)).toEqual(['power-off: the machine ended by Client.UserInitiatedShutdown']);
      expect(stopped.failure?.message).toMatch(
        /shutdown: .*Client\.UserInitiatedShutdown.*"atLeast": "crash-consistent"/,
      );
    });

    test('leaves nothing of the failed run, in the account or as a point', async () => {
      expect(await resourcesOf(stopped.runId)).toEqual([]);
      await expect(readSealedPoint(lab.lab.status, stopped.runId)).rejects.toMatchObject({ code: 'PointMissing' });
    });

    test("keeps the capture of the run before, for the next one's increment", async () => {
      const { production } = lab.lab.status;
      const kept = await resourcesOf(ended.runId);
      expect(kept.map(({ role }) => role)).toEqual(production.volumeIds.map(() => 'capture'));
    });
  });
});

test('a database that does not answer at the end is killed, and the run fails naming console and pg_control', async () => {
  const ended = await deaf;
  expect(ended.failure).toMatchObject({ code: 'ConsistencyTooLow' });
  expect(loweredBy(ended)).toEqual([
    expect.stringMatching(/^console: .*postgres.*did not (stop in time|end when asked)/),
    expect.stringMatching(/^postgresql clean: .* says "in production"$/),
  ]);
  for (const reason of loweredBy(ended)) expect(ended.failure?.message).toContain(reason);
  expect(await resourcesOf(ended.runId)).toEqual([]);
});

test('a forged orderly end convinces nobody: console and power-off are clean, the disks say otherwise', async () => {
  const { result, failure, runId } = await liar;
  expect(failure?.message).toBeUndefined();
  const { disks, facts = [], lowered = [] } = result?.consistency ?? {};
  expect(disks).toBe('crash-consistent');
  const clean = facts.filter(({ verdict }) => verdict === 'clean').map(({ name }) => name);
  expect(clean).toEqual(expect.arrayContaining(['power-off', 'console', 'postgresql recovered']));
  expect(lowered).toEqual([
    expect.stringMatching(/^file-system vol-\w+\/p1: ext4: /),
    expect.stringMatching(/^file-system vol-\w+: ext4: /),
    expect.stringMatching(/^postgresql clean: .* says "in production"$/),
  ]);
  const { manifest, evidence } = await readSealedPoint(lab.lab.status, runId);
  expect(manifest.consistency).toMatchObject({ atLeast: 'crash-consistent', disks: 'crash-consistent' });
  // The lie was told, or this test proves nothing.
  const console = new TextDecoder('latin1').decode(evidence.get('clone-1-console.txt'));
  expect(console).toMatch(/All filesystems unmounted\.[\s\S]*Power down/);
});

test('an unknown volume and an application that waits for a peer at its end: the run fails for these alone, in time', async () => {
  const ended = await stranger;
  expect(ended.failure).toMatchObject({ code: 'ConsistencyTooLow' });
  expect(loweredBy(ended)).toEqual([
    expect.stringMatching(/^file-system vol-\w+: unrecognized: no known file system$/),
    'parting stopped: it was not ended in order: its script was ended at its limit, 60 s (half of limits.shutdownMs)',
  ]);
  expect(await resourcesOf(ended.runId)).toEqual([]);
});

/** Backs production up and does something to the clone as soon as its console shows a line. */
async function endProductionsClone(
  request: Partial<BackupRequest>,
  pattern: RegExp,
  act: (cloneId: string) => Promise<void>,
): Promise<EndedRun> {
  const run = await lab.start(request);
  await act(await awaitCloneThatShows(lab, lab.lab.status.production.instanceId, pattern));
  return endOf(run);
}

async function backUpVariant(wish: VariantWish, request: Partial<BackupRequest>): Promise<EndedRun> {
  await using machine = await launchVariant(lab, wish);
  return await endOf(await lab.start({ instanceId: machine.instanceId, ...request }));
}

/** A volume of random bytes: no partition table, no file system that anybody knows. */
async function randomVolume(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'random-volume-'));
  try {
    const file = join(folder, 'random.img');
    await writeFile(file, randomBytes(2 << 20));
    return await ensureImageSnapshot(lab.aws, { name: 'random-bytes', file });
  } finally {
    await rm(folder, { recursive: true });
  }
}

function resourcesOf(runId: string) {
  return findTaggedResources(lab.aws, { key: 'understudy:run', values: [runId] });
}
