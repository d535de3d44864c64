import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type AccessKey, adoptS3, type S3Server, startS3 } from '../../../../local/servers/s3.ts';
import { readToolchain } from '../../../../local/toolchain.ts';
import { readProcessIdentity } from '../../../../setup/process-identity.mjs';

const MOVER = { accessKeyId: 'AKIAMOVER', secretAccessKey: 'm'.repeat(40), may: 'write' } as const;
const CONTROL = { accessKeyId: 'AKIACONTROL', secretAccessKey: 'c'.repeat(40), may: 'keep' } as const;
const OPTIONS = { bucket: 'vault', region: 'local-1', users: [MOVER, CONTROL] };

let stateDir: string;
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'understudy-s3-'));
});
afterEach(async () => {
  await adoptS3(stateDir)?.stop();
  await rm(stateDir, { recursive: true, force: true });
});

test('of all who create one key the first wins and the rest get 412', async () => {
  const server = await startS3({ ...OPTIONS, stateDir });
  const s3 = clientOf(server, MOVER);
  const creations = Array.from({ length: 10 }, (_, index) => outcome(put(s3, { IfNoneMatch: '*', Body: `${index}` })));
  expect((await Promise.all(creations)).sort()).toEqual(['200', ...Array(9).fill('412')]);
});

test('a writer cannot remove what it wrote, and a lock stops the keeper too', async () => {
  const server = await startS3({ ...OPTIONS, stateDir });
  const [mover, control] = [clientOf(server, MOVER), clientOf(server, CONTROL)];
  const until = new Date(Date.now() + 3_600_000);
  const { VersionId } = await put(mover, { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: until });
  const removal = { Bucket: 'vault', Key: 'k', VersionId };
  expect(await outcome(mover.send(new DeleteObjectCommand(removal)))).toBe('403');
  expect(await outcome(control.send(new DeleteObjectCommand(removal)))).toBe('403');
  const { VersionId: unlocked } = await put(mover, {});
  expect(await outcome(control.send(new DeleteObjectCommand({ ...removal, VersionId: unlocked })))).toBe('204');
});

test('a key that nobody made, or a wrong secret, is refused', async () => {
  const server = await startS3({ ...OPTIONS, stateDir });
  const stranger = clientOf(server, { accessKeyId: 'AKIASTRANGER', secretAccessKey: 's' });
  const impostor = clientOf(server, { ...MOVER, secretAccessKey: 's' });
  expect([await outcome(put(stranger, {})), await outcome(put(impostor, {}))]).toEqual(['403', '403']);
});

test('objects and keys survive a restart on the same folder, and a changed secret counts', async () => {
  const first = await startS3({ ...OPTIONS, stateDir });
  await put(clientOf(first, MOVER), { Body: 'kept' });
  await first.stop();
  const changed = { ...MOVER, secretAccessKey: 'n'.repeat(40) };
  const second = await startS3({ ...OPTIONS, stateDir, users: [changed, CONTROL] });
  const { Body } = await clientOf(second, changed).send(new GetObjectCommand({ Bucket: 'vault', Key: 'k' }));
  expect(await Body?.transformToString()).toBe('kept');
  expect(await outcome(put(clientOf(second, MOVER), {}))).toBe('403');
});

test('a server in use is not started twice, and stopping leaves no process', async () => {
  const server = await startS3({ ...OPTIONS, stateDir });
  await expect(startS3({ ...OPTIONS, stateDir })).rejects.toThrow(
    `already runs on ${stateDir} (process ${server.pid})`,
  );
  await server.stop();
  expect(readProcessIdentity(server.pid)).toBeUndefined();
  expect(adoptS3(stateDir)).toBeUndefined();
});

test('a detached server outlives its starter and is stopped from another process; any other ends with it', async () => {
  const detachedPid = await startElsewhereAndKill('detached');
  const adopted = adoptS3(stateDir);
  expect(adopted?.pid).toBe(detachedPid);
  expect(await outcome(put(clientOf(adopted as S3Server, (adopted as S3Server).root), {}))).toBe('200');
  await adopted?.stop();
  expect(readProcessIdentity(detachedPid)).toBeUndefined();

  const boundPid = await startElsewhereAndKill('bound');
  await vi.waitFor(() => expect(readProcessIdentity(boundPid)).toBeUndefined(), { timeout: 5_000 });
});

test('a server whose port is taken is refused before it starts', async () => {
  const server = await startS3({ ...OPTIONS, stateDir });
  const other = await mkdtemp(join(tmpdir(), 'understudy-s3-'));
  const port = Number(new URL(server.endpoint).port);
  await expect(startS3({ ...OPTIONS, stateDir: other, port })).rejects.toThrow(
    `address already in use 127.0.0.1:${port}`,
  );
  expect(adoptS3(other)).toBeUndefined();
  await rm(other, { recursive: true });
});

/** A process that starts the server and is killed once it runs; the server's process id. */
async function startElsewhereAndKill(mode: 'detached' | 'bound'): Promise<number> {
  const script = fileURLToPath(new URL('./starter.ts', import.meta.url));
  const starter = spawn(readToolchain().node, [script, stateDir, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = new Promise((resolve) => starter.once('close', resolve));
  const pid = await new Promise<number>((resolve, reject) => {
    starter.stdout.once('data', (line) => resolve(Number(line)));
    closed.then(() => reject(new Error('the starter ended early')));
  });
  starter.kill('SIGKILL');
  await closed;
  return pid;
}

function clientOf({ endpoint, region }: S3Server, { accessKeyId, secretAccessKey }: AccessKey): S3Client {
  return new S3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true });
}

function put(s3: S3Client, input: Omit<PutObjectCommand['input'], 'Bucket' | 'Key'>) {
  return s3.send(new PutObjectCommand({ Bucket: 'vault', Key: 'k', Body: 'x', ...input }));
}

async function outcome(answer: Promise<{ $metadata: { httpStatusCode?: number } }>): Promise<string> {
  const settled = await answer.catch((error: { $metadata: { httpStatusCode?: number } }) => error);
  return String(settled.$metadata.httpStatusCode);
}
