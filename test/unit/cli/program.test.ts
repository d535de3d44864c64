import { expect, test } from 'vitest';
import { runFake } from './fake-deps.ts';

test.each([
  { args: ['points', '--json', '--nonsense'], message: /^unknown option '--nonsense'/ },
  { args: ['backup', '--json'], message: /^missing required argument/ },
  { args: ['retention', 'simulate', '--for', 'soon', '--json'], message: /^option '--for <time>' argument 'soon'/ },
  { args: ['nonsense', '--json'], message: /^unknown command 'nonsense'/ },
  { args: ['vault', '--json'], message: /^unknown option '--json'/ },
])('wrong usage is a JSON line too where those were asked for: $args', async ({ args, message }) => {
  const { exitCode, stderr, json } = await runFake(args);
  expect(exitCode).toBe(2);
  expect(stderr).not.toBe('');
  expect(json).toEqual([
    expect.objectContaining({
      type: 'result',
      ok: false,
      code: 'InvalidInput',
      message: expect.stringMatching(message),
    }),
  ]);
});

test('help that was asked for is no failure, with --json neither', async () => {
  const { exitCode, stdout } = await runFake(['points', '--json', '--help']);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^Usage: /);
});

test.each(['--version', '-V'])('%s prints the version, for whoever reports a bug', async (flag) => {
  const { exitCode, stdout } = await runFake([flag]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringMatching(/^understudy \d+\.\d+\.\d+\n$/) });
});

test('wrong usage of a command says where help is, as that of the program does', async () => {
  expect((await runFake(['backup'])).stderr).toContain('--help');
});

test.each([{ args: ['--help'] }, { args: ['vault', '--help'] }])('$args fits into 80 columns', async ({ args }) => {
  const { stdout } = await runFake(args);
  expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
});

test('a failure names the command as it is called', async () => {
  expect((await runFake(['retention', 'simulate', '--every', '6h'])).stderr).toMatch(
    /^understudy retention simulate failed: /,
  );
});
