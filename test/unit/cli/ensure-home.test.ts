import { expect, test } from 'vitest';
import { ensureHome } from '../../../src/cli/ensure-home.ts';

test('a user whom the machine does not know has the home that container runtimes give', () => {
  const env: NodeJS.ProcessEnv = {};
  ensureHome(env, () => {
    throw new Error('uv_os_homedir returned ENOENT');
  });
  expect(env).toEqual({ HOME: '/' });
});

test('a home that is known stays', () => {
  const env: NodeJS.ProcessEnv = {};
  ensureHome(env, () => '/home/somebody');
  expect(env).toEqual({});
});
