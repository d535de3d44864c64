import { expect, test } from 'vitest';
import type { FilesResult } from '../../../src/contract/results.ts';
import { runFake } from './fake-deps.ts';

const POINT = '20261123T023107Z-9f2c01ab';
const RESULT: FilesResult = {
  ...{ pointId: POINT, runId: '20261124T000000Z-00000001', vault: 'main', path: '/srv/data' },
  ...{ folder: '/srv/restored/20261124T000000Z-00000001', host: 'mover-1' },
  ...{ files: 3, kept: 1, folders: 1, links: 0, bytes: 4096, requests: 2, bytesFetched: 8192, problems: 1, damaged: 0 },
  named: [{ path: '/srv/data/\u001b[2J', problem: 'its extended attributes are not set' }],
  phases: [],
};
const script = { files: RESULT, progress: [{ phases: [], volumes: [] }] };

test('a mover writes the files, and where they are is told', async () => {
  const asked = ['files', 'get', `${POINT}:/srv/data`, '--workflow', 'restored', '--volume', 'vol-0123456789abcdef0'];
  const { exitCode, requests, stdout, closed } = await runFake(asked, script);
  const request = { pointId: POINT, path: '/srv/data', into: 'restored', volumeIds: ['vol-0123456789abcdef0'] };
  expect(requests).toEqual([{ request, requestId: 'request-1' }]);
  expect(stdout).toContain('/srv/restored/20261124T000000Z-00000001 on mover-1');
  expect(stdout).not.toContain('\u001b');
  expect([exitCode, closed]).toEqual([0, 1]);
});

test('both forms tell the same, and a detached one only its workflow', async () => {
  const asked = ['files', 'get', `${POINT}:/`, '--workflow', 'restored', '--json'];
  expect((await runFake(asked, script)).json.at(-1)).toMatchObject({ type: 'result', folder: RESULT.folder });
  expect((await runFake([...asked, '--detach'], script)).json.at(-1)).toMatchObject({ detached: true });
});

test.each([
  ['a folder of its own, too', ['--workflow', 'restored', '--to', 'here']],
  ['a vault by its URL', ['--workflow', 'restored', '--vault', 's3://bucket/prefix']],
])('%s is wrong usage, and nothing is started', async (_, options) => {
  const { exitCode, requests } = await runFake(['files', 'get', `${POINT}:/`, ...options], script);
  expect({ exitCode, requests }).toEqual({ exitCode: 2, requests: [] });
});
