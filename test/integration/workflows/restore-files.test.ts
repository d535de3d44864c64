import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { BackupClient, type FilesRequest } from '../../../src/client/index.ts';
import { runVaultCli } from '../../support/cli-run.ts';
import { MTIME_NS, oddFilesImage, SPARSE_BYTES } from '../../support/odd-files-image.ts';
import { startTestTemporal, type TestTemporal } from '../../support/temporal-server.ts';
import { startVaultLab, type VaultLab } from '../../support/vault-lab.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startWorkerProcess, type WorkerProcess } from '../../support/worker-process.ts';

vi.setConfig({ testTimeout: 180_000 });

const MANY = 2_000;
const dir = mkdtempSync(join(tmpdir(), 'restored-files-'));
const target = join(dir, 'target');
/** Where no folder can be made: a file is in the way. */
const blocked = join(dir, 'file/below');
let temporal: TestTemporal;
let lab: VaultLab;
let env: Readonly<Record<string, string>>;
let control: WorkerProcess;
let mover: WorkerProcess;
let client: BackupClient;
let pointId: string;

beforeAll(async () => {
  [temporal, lab] = await Promise.all([
    startTestTemporal(),
    startVaultLab({ main: {} }, { folders: { target, blocked } }),
  ]);
  client = new BackupClient(temporal.client);
  env = { ...lab.env, TEMPORAL_ADDRESS: temporal.address, TEMPORAL_NAMESPACE: temporal.namespace };
  expect(await runVaultCli('vault', 'init', lab.url('main'), '--key-file', lab.keyFile)).toMatchObject({ exitCode: 0 });
  const image = oddFilesImage({ dir, many: MANY });
  const put = ['vault', 'put', image, lab.url('main'), '--machine', 'm1', '--key-file', lab.keyFile, '--json'];
  const { stdout } = await runVaultCli(...put);
  pointId = /\d{8}T\d{6}Z-[0-9a-f]{8}/.exec(stdout)?.[0] ?? '';
  [control, mover] = await Promise.all([startWorkerProcess('control', env), startWorkerProcess('mover', env)]);
});
afterAll(async () => {
  await Promise.all([control, mover].map((worker) => worker?.end()));
  await temporal?.stop();
  await lab?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const outcome = async (request: Partial<FilesRequest>) =>
  (await client.restoreFiles({ pointId, path: '/', into: 'target', ...request }))
    .result()
    .catch((error: { code: string }) => error.code);

function filesBelow(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { recursive: true }).length;
}

test('a tree is restored by a workflow, and goes on with what it had when its mover is killed', async () => {
  const run = await client.restoreFiles({ pointId, path: '/', into: 'target' });
  await waitFor(async () => (filesBelow(target) > 50 ? true : undefined), { limitMs: 60_000, what: 'the first files' });
  await mover.kill();
  const before = filesBelow(target);
  expect(before).toBeLessThan(MANY); // it was in the middle of it
  mover = await startWorkerProcess('mover', env);
  const { folder, files, kept, damaged, phases } = await run.result();
  expect({ damaged, phase: phases[0]?.state }).toEqual({ damaged: 0, phase: 'done' });
  expect(kept).toBeGreaterThan(10);
  expect(files).toBeGreaterThan(100);
  expect(readdirSync(join(folder, 'many'))).toHaveLength(MANY);
  const note = lstatSync(join(folder, 'docs/note.txt'), { bigint: true });
  expect(Number(note.mtimeNs - MTIME_NS)).toBeCloseTo(0, -3);
  expect(readFileSync(join(folder, 'docs/note.txt'), 'utf8')).toBe('note\n');
  expect(statSync(join(folder, 'sparse')).size).toBe(SPARSE_BYTES);
  expect(readdirSync(target)).toEqual([folder.slice(target.length + 1)]);
});

test('what it cannot do is refused by name', async () => {
  expect(await outcome({ into: 'elsewhere' })).toBe('UnknownName');
  expect(await outcome({ path: 'srv' })).toBe('InvalidInput');
  expect(await outcome({ path: '/nothing' })).toBe('FileMissing');
  writeFileSync(join(dir, 'file'), '');
  expect(await outcome({ into: 'blocked' })).toBe('TargetUnusable');
});
