import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ConfigurationError } from '../../../../src/errors.ts';
import { assembleBootMedia } from '../../../../src/recipes/boot/media.ts';
import { decodeHeader, HEADER_BYTES, SCRATCH_MAGIC } from '../../../../src/recipes/boot/scratch-layout.ts';
import { decodeTar } from '../../../../src/recipes/boot/tar.ts';
import { encodeQuietUserData } from '../../../../src/recipes/boot/user-data.ts';

const RUN = '20261123T023107Z-9f2c01ab';
const plan = (params: Record<string, unknown> = {}) =>
  ({
    runId: RUN,
    role: 'clone',
    recipes: [
      { name: 'postgresql', params },
      { name: 'redis', params: {} },
    ],
    recoverMs: 1_500,
    stopMs: 60_000,
  }) as const;

const dir = mkdtempSync(join(tmpdir(), 'media-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('the same plan gives the same bytes', async () => {
  expect(await assembleBootMedia(plan())).toEqual(await assembleBootMedia(plan()));
});

test('user data fits EC2, keeps host keys, names and passwords, and carries the run in one assignment', async () => {
  const { userData } = await assembleBootMedia(plan());
  const text = new TextDecoder().decode(userData);
  expect(userData.length).toBeLessThanOrEqual(16_384);
  expect(text).toContain('ssh_deletekeys: false');
  expect(text).toContain('preserve_hostname: true');
  expect(text).toMatch(/^users: \[\]$/m);
  expect(text.match(/^UNDERSTUDY_RUN=.*$/gm)).toEqual([`UNDERSTUDY_RUN=${RUN}`]);
});

test('where the script comes as a command, user data keeps the settings and holds no script', async () => {
  const bySsm = await assembleBootMedia({ ...plan(), channel: 'run-command' });
  const text = new TextDecoder().decode(bySsm.userData);
  expect(text).toContain('ssh_deletekeys: false');
  expect(text).toContain('users: []');
  expect(text).not.toMatch(/shellscript|UNDERSTUDY/);
  expect(bySsm.scratch).toEqual((await assembleBootMedia(plan())).scratch);
});

test("a machine for people keeps the image's default user, to whom their key goes", () => {
  const text = new TextDecoder().decode(encodeQuietUserData());
  expect(text).toContain('ssh_deletekeys: false');
  expect(text).not.toContain('users:');
});

test("the scratch volume begins with its header, and the host's tar reads what follows", async () => {
  const { scratch } = await assembleBootMedia(plan({ probeQueries: { answer: "select '$(reboot)'" } }));
  const header = decodeHeader(SCRATCH_MAGIC, scratch, 1 << 20);
  const payload = scratch.subarray(HEADER_BYTES, HEADER_BYTES + (header?.bytes ?? 0));
  expect(header).toMatchObject({ runId: RUN, sha256: createHash('sha256').update(payload).digest('hex') });
  writeFileSync(join(dir, 'payload.tar'), payload);
  execFileSync('tar', ['xf', join(dir, 'payload.tar'), '-C', dir]);
  expect(readFileSync(join(dir, 'plan/recipes'), 'utf8')).toBe('postgresql\nredis\n');
  expect(readFileSync(join(dir, 'plan/recover-seconds'), 'utf8')).toBe('2\n');
  expect(readFileSync(join(dir, 'recipes/postgresql/params/probeQueries/answer'), 'utf8')).toBe("select '$(reboot)'\n");
  expect([...decodeTar(payload).keys()]).toContain('recipes/redis/detect.sh');
});

test.each([
  { params: { dataDirectories: ['/srv/$(reboot)'] }, names: /recipes\.postgresql\.dataDirectories\.0/ },
  { params: { user: 'postgres; reboot' }, names: /recipes\.postgresql\.user/ },
  { params: { probeQueries: { '../../boot': 'select 1' } }, names: /recipes\.postgresql\.probeQueries/ },
  { params: { prot: 1 }, names: /prot/ },
])('parameters that a shell or a path could trip over are refused by name: $params', async ({ params, names }) => {
  const refusal = await assembleBootMedia(plan(params)).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ConfigurationError);
  expect(String(refusal)).toMatch(names);
});

test('queries that do not fit the scratch volume are refused', async () => {
  const probeQueries = Object.fromEntries(Array.from({ length: 140 }, (_, n) => [`q${n}`, 'x'.repeat(8_000)]));
  await expect(assembleBootMedia(plan({ probeQueries }))).rejects.toThrow(/room for/);
});

const REGION = { fromGiB: 1, giB: 4 };
const fileOf = (scratch: Uint8Array, name: string) => {
  const { bytes = 0 } = decodeHeader(SCRATCH_MAGIC, scratch, 1 << 20) ?? {};
  const file = decodeTar(scratch.subarray(HEADER_BYTES, HEADER_BYTES + bytes)).get(name);
  return file && new TextDecoder().decode(file);
};

test('a plan with agents gets the partition they write to, behind the results', async () => {
  const { scratch } = await assembleBootMedia({ ...plan(), agents: { agentMs: 1_500, region: REGION } });
  const view = new DataView(scratch.buffer, scratch.byteOffset);
  expect([view.getUint8(450), view.getUint16(510)]).toEqual([0x83, 0x55aa]);
  expect([view.getUint32(454, true), view.getUint32(458, true)]).toEqual([2 ** 21, 2 ** 23]);
  expect(decodeHeader(SCRATCH_MAGIC, scratch, 1 << 20)?.runId).toBe(RUN);
  expect(fileOf(scratch, 'plan/agent-seconds')).toBe('2\n');
  expect(fileOf(scratch, 'harvest.sh')).toContain('harvest()');
});

test('a plan without agents has neither partition nor scripts for them', async () => {
  const { scratch } = await assembleBootMedia(plan());
  expect(scratch.subarray(446, 512).every((byte) => byte === 0)).toBe(true);
  expect(fileOf(scratch, 'steps.sh')).toBeUndefined();
});

test('what a point records of its outputs reaches the verification machine as files', async () => {
  const digest = 'b'.repeat(64);
  const record = {
    recipe: 'redis',
    exitStatus: 0,
    startedAt: '2026-11-23T02:31:07.000Z',
    endedAt: '2026-11-23T02:31:08.000Z',
    log: { bytes: 1, sha256: digest },
    output: { files: 3, bytes: 9, listSha256: digest },
    facts: { keys: 12, note: '$(reboot)', '../../boot': 'x' },
  };
  const wrote = { pointId: '20261123T020000Z-9f2c0001', records: [record] };
  const { scratch } = await assembleBootMedia({ ...plan(), agents: { agentMs: 1_000, region: REGION, wrote } });
  expect(fileOf(scratch, 'plan/output-of')).toBe('20261123T020000Z-9f2c0001\n');
  expect(fileOf(scratch, 'plan/outputs')).toBe('redis\n');
  expect(fileOf(scratch, 'recipes/redis/recorded/list-sha256')).toBe(`${digest}\n`);
  expect(fileOf(scratch, 'recipes/redis/agent-facts/keys')).toBe('12\n');
  expect(fileOf(scratch, 'recipes/redis/agent-facts/note')).toBe('$(reboot)\n');
  expect(fileOf(scratch, 'plan/agents')).toBeUndefined();
});
