import { readFileSync } from 'node:fs';
import { open, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GetObjectLegalHoldCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { BLOCK_BYTES, openStore, openVersions, readPoint, systemClock } from '../../../src/vault/index.ts';
import { readMap } from '../../../src/vault/read-map.ts';
import { runVaultCli } from '../../support/cli-run.ts';
import { NEVER, temporaryFolder } from '../../support/vault-fixture.ts';
import { startVaultLab, type VaultLab } from '../../support/vault-lab.ts';
import { noise } from '../../support/vault-volume.ts';

/** A whole backup under Object Lock: the commands that people use, the lock of the configuration, a real server. */

const DAY_MS = 86_400_000;
let lab: VaultLab;

beforeAll(async () => {
  lab = await startVaultLab({
    short: { url: 's3://vaults/locked', lock: { mode: 'governance', days: 1 } },
    long: { url: 's3://vaults/locked', lock: { mode: 'governance', days: 5 } },
  });
  const made = await runVaultCli('vault', 'init', URL, ...KEY(), '--lock', 'governance', '--lock-days', '1', '--json');
  expect(JSON.parse(made.stdout)).toMatchObject({ ok: true, created: true });
});
afterAll(() => lab?.stop());

const URL = 's3://vaults/locked';
const KEY = () => ['--key-file', lab.keyFile];
const store = () => openStore(URL, { clock: systemClock });

async function put(image: string, vault: string): Promise<string> {
  const { exitCode, stdout, stderr } = await runVaultCli('vault', 'put', image, vault, '--machine', 'db', '--json');
  expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/^run [^\n]*\n$/)]);
  const [last = ''] = stdout.trim().split('\n').slice(-1);
  return JSON.parse(last).pointId;
}

/** Six blocks of noise; the rest of a segment and a bit are holes. */
async function image(): Promise<string> {
  const path = join(await temporaryFolder(), 'disk.img');
  await writeFile(path, Buffer.concat([0, 1, 2, 3, 4, 5].map((block) => noise(`locked ${block}`))));
  await truncate(path, 8200 * BLOCK_BYTES);
  return path;
}

async function objectsOf(prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store().list(prefix, NEVER)) found.push(key);
  return found;
}

/** Days, rounded up, for which the object cannot be deleted; 0 when it can. */
async function daysLocked(key: string): Promise<number> {
  const lock = await store().retentionOf(key, NEVER);
  return lock ? Math.ceil((lock.until.getTime() - Date.now()) / DAY_MS) : 0;
}

async function locks(keys: readonly string[]): Promise<Record<string, number>> {
  const entries = await Promise.all(keys.map(async (key) => [kindOf(key), await daysLocked(key)] as const));
  return Object.fromEntries(entries);
}

function kindOf(key: string): string {
  return key.endsWith('session.json') ? 'session' : (/(\w+)\/[^/]*$/.exec(key)?.[1] ?? key);
}

test('a backup is born locked as the configuration says, and what is reused later is locked again before the commit', async () => {
  const path = await image();
  const first = await put(path, 'short');
  const born = [...(await objectsOf(`runs/${first}/`)), `points/${first}.json`, 'vault.json', 'keys/1.json'];
  // One day asked, one of slack; sessions and shard records are working papers.
  expect(await locks(born)).toEqual({
    'vault.json': 2,
    keys: 2,
    packs: 2,
    segments: 2,
    maps: 2,
    points: 2,
    shards: 0,
    session: 0,
  });

  const file = await open(path, 'r+');
  await file.write(noise('changed'), 0, BLOCK_BYTES, 3 * BLOCK_BYTES);
  await file.close();
  const requests = await recordRequests();
  const second = await put(path, 'long');
  const vault = await lab.open('locked');
  const { volumes, parents, retention } = await readPoint({ vault, pointId: second, signal: NEVER });
  expect([parents.map(({ pointId }) => pointId), retention.mode]).toEqual([[first], 'governance']);
  const reused = (await readMap(vault, volumes[0] ?? none(), NEVER)).packs.filter(({ runId }) => runId === first);
  expect(reused.length).toBeGreaterThan(0);
  for (const { packId } of reused) expect(await daysLocked(`runs/${first}/packs/${packId}.pack`)).toBe(10);
  expect(await locks(['vault.json', 'keys/1.json', `points/${second}.json`])).toMatchObject({ keys: 10, points: 10 });
  // The trap that step 6 closes: a point must never stand on packs whose lock is about to run out.
  const log = requests();
  const committed = log.findIndex((line) => line.includes(`s3_PutObject locked/points/${second}.json`));
  const extended = log.findIndex((line) => /s3_PutObjectRetention locked\/runs\/[^ ]+\.pack/.test(line));
  expect(extended).toBeGreaterThan(-1);
  expect(committed).toBeGreaterThan(extended);
  await nobodyDestroys(`runs/${first}/packs/${reused[0]?.packId}.pack`);
});

/** Not even credentials that may do everything, short of bypassing governance. */
async function nobodyDestroys(key: string): Promise<void> {
  const versions = openVersions(URL, { clock: systemClock, profile: 'keeper' });
  for await (const version of versions?.listVersions(key, NEVER) ?? []) {
    await expect(versions?.removeVersion(version, NEVER)).rejects.toMatchObject({ code: 'ObjectLocked' });
    return;
  }
  throw new Error(`${key} has no version`);
}

function none(): never {
  throw new Error('the point has no volume');
}

test('a hold reaches every object that the point needs, shared ones too, and a release leaves them', async () => {
  const point = await put(await image(), 'short');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'keeper');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'a-secret-of-the-keeper');
  onTestFinished(() => void Object.entries(lab.env).map(([name, value]) => vi.stubEnv(name, value)));
  const line = ['hold', point, '--vault', 'short', '--reason', 'court order'];
  expect((await runVaultCli(...line)).exitCode).toBe(0);
  const vault = await lab.open('locked');
  const { volumes } = await readPoint({ vault, pointId: point, signal: NEVER });
  const map = await readMap(vault, volumes[0] ?? none(), NEVER);
  const packs = map.packs.map(({ runId, packId }) => `runs/${runId}/packs/${packId}.pack`);
  const needed = [...packs, `points/${point}.json`, 'vault.json', 'keys/1.json'];
  expect(await holdsOn(needed)).toEqual(needed.map(() => 'ON'));
  expect((await runVaultCli(...line, '--release')).exitCode).toBe(0);
  expect(await holdsOn(packs)).toEqual(packs.map(() => 'OFF'));
});

async function holdsOn(keys: readonly string[]): Promise<(string | undefined)[]> {
  const { endpoint, region, root } = lab.server;
  const owner = new S3Client({ endpoint, region, credentials: { ...root }, forcePathStyle: true });
  onTestFinished(() => owner.destroy());
  const ask = (key: string) => owner.send(new GetObjectLegalHoldCommand({ Bucket: 'vaults', Key: `locked/${key}` }));
  return Promise.all(keys.map(async (key) => (await ask(key)).LegalHold?.Status));
}

test('a bucket that cannot lock is refused when the vault is made, and a lock without its days is wrong usage', async () => {
  const folder = `file://${await temporaryFolder()}`;
  const refused = await runVaultCli('vault', 'init', folder, ...KEY(), '--lock', 'compliance', '--lock-days', '30');
  expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringMatching(/LockUnsupported/)]);
  const half = await runVaultCli('vault', 'init', folder, ...KEY(), '--lock', 'compliance');
  expect([half.exitCode, half.stderr]).toEqual([2, expect.stringMatching(/--lock-days/)]);
  const twice = await runVaultCli('vault', 'put', 'x', 'short', '--lock', 'governance', '--lock-days', '1');
  expect([twice.exitCode, twice.stderr]).toEqual([2, expect.stringMatching(/stands in temporal.config/)]);
});

/** What the server was asked from now on: method and path, in order. */
async function recordRequests(): Promise<() => string[]> {
  const before = readFileSync(lab.accessLog, 'utf8').length;
  return () => readFileSync(lab.accessLog, 'utf8').slice(before).split('\n');
}
