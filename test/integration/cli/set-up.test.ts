import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTemporal, type TemporalServer } from '../../../local/servers/temporal.ts';

const LAUNCHER = fileURLToPath(new URL('../../../bin/understudy.mjs', import.meta.url));
const CONFIG_MODULE = fileURLToPath(new URL('../../../src/config/index.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'understudy-cli-'));
let temporal: TemporalServer;

beforeAll(async () => {
  temporal = await startTemporal({ stateDir: join(folder, 'temporal'), headless: true });
  mkdirSync(join(folder, 'vault'));
  writeFileSync(join(folder, 'key'), `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
  writeConfig({ cron: ['0 2 * * *'] });
});

afterAll(async () => {
  await temporal.stop();
  rmSync(folder, { recursive: true, force: true });
});

function writeConfig(schedule: object): void {
  const config = {
    vaults: { main: { url: `file://${folder}/vault`, kmsKeyId: `file://${folder}/key` } },
    isolation: {
      main: { vpcId: 'vpc-1', subnetId: 'subnet-1', verifySubnetId: 'subnet-2', securityGroupId: 'sg-1' },
    },
    plans: { nightly: { select: { tags: { backup: 'nightly' } }, schedule } },
  };
  const lines = [
    `import { defineConfig } from ${JSON.stringify(CONFIG_MODULE)};`,
    `export default defineConfig(${JSON.stringify(config)});`,
  ];
  // Another name each time is not needed: every command is a process of its own.
  writeFileSync(join(folder, 'temporal.config.ts'), lines.join('\n'));
}

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function understudy(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, XDG_CONFIG_HOME: folder, TEMPORAL_ADDRESS: temporal.address, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ]);
  return { exitCode, stdout, stderr };
}

const linesOf = ({ stdout }: Ended) =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

test('init makes what is missing, and the second time finds it all', async () => {
  const first = await understudy(['init', '--json']);
  const second = await understudy(['init', '--json']);
  expect([first.exitCode, first.stderr]).toEqual([0, '']);
  const outcomes = (run: Ended) => linesOf(run).map(({ what, outcome }) => [what, outcome]);
  const steps = ['deployment id', 'vault main', 'search attributes'];
  expect(outcomes(first).slice(0, 3)).toEqual(steps.map((step) => [step, 'created']));
  expect(outcomes(second).slice(0, 3)).toEqual(steps.map((step) => [step, 'unchanged']));
});

test('points of a fresh vault are none, without any server', async () => {
  await understudy(['init']);
  const run = await understudy(['points', '--json'], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
  expect([run.exitCode, linesOf(run)]).toEqual([0, [{ type: 'result', ok: true, points: 0 }]]);
});

test('schedules follow the plans: created, unchanged, updated', async () => {
  const outcome = async () => {
    const lines = linesOf(await understudy(['schedules', '--json']));
    return lines.find(({ what }) => what === 'understudy-plan/nightly')?.outcome;
  };
  expect(await outcome()).toBe('created');
  expect(await outcome()).toBe('unchanged');
  writeConfig({ cron: ['30 3 * * *'] });
  expect(await outcome()).toBe('updated');
});

test('a backup without a Temporal server says which address does not answer and what to do', async () => {
  const run = await understudy(['backup', 'i-0123456789abcdef0'], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
  expect(run.exitCode).toBe(1);
  expect(run.stderr).toMatch(/code +TemporalUnreachable/);
  expect(run.stderr).toContain('TEMPORAL_ADDRESS');
});

test('a wrong configuration is refused with the path of the field', async () => {
  writeFileSync(
    join(folder, 'wrong.config.ts'),
    'export default { vaults: { main: { url: "ftp://x", kmsKeyId: "k" } } };',
  );
  const run = await understudy(['points'], { UNDERSTUDY_CONFIG: 'wrong.config.ts' });
  expect(run.exitCode).toBe(2);
  expect(run.stderr).toContain('vaults.main.url');
  expect(run.stderr).toMatch(/code +InvalidConfiguration/);
});
