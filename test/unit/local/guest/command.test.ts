import { expect, test } from 'vitest';
import { GuestBuildError, run } from '../../../../local/guest/command.mjs';

test('a failing step names its command, its exit code and what it said', async () => {
  const failing = run('sh', ['-c', 'echo no space left >&2; exit 3']);
  await expect(failing).rejects.toThrow(GuestBuildError);
  await expect(failing).rejects.toThrow(/"sh -c echo no space left.*" failed \(3\):\nno space left/);
});

test('a program that is not there is named together with the step that needs it', async () => {
  await expect(run('no-such-program', ['--now'])).rejects.toThrow(
    /no-such-program is not installed; needed for "no-such-program --now"/,
  );
});

test('a step that was ended by a signal says which', async () => {
  await expect(run('sh', ['-c', 'kill -TERM $$'])).rejects.toThrow(/failed \(SIGTERM\)/);
});
