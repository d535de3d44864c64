import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { guestImage } from '../../../support/guest-image.ts';
import { shellFunction } from '../../../support/shells.ts';
import { temporaryFolder } from '../../../support/vault-fixture.ts';

const AGENT = new URL('../../../../local/guest/files/etc/rc.ssm', import.meta.url);

test.each([
  { what: 'runs', command: 'setsid sleep 60' },
  { what: 'has only begun and is no group of its own yet', command: 'sh -c "sleep 0.5; exec setsid sleep 60"' },
  { what: 'has ended', command: 'true' },
])(
  'a command that $what is gone when the agent has ended it',
  async ({ command }) => {
    const { busybox } = await guestImage();
    const script = [
      shellFunction(await readFile(AGENT, 'utf8'), 'stop_group'),
      `${command} & pid=$!; echo $pid >pid`,
      // As the agent does, beside waiting for the command: one that has ended and is not waited for is there still.
      'stop_group . cancelled & wait $pid; wait',
      'kill -0 "$pid" 2>/dev/null && echo there; cat how',
    ];
    const options = { cwd: await temporaryFolder(), timeout: 30_000 };
    const { stdout } = await promisify(execFile)(busybox, ['sh', '-c', script.join('\n')], options);
    expect(stdout).toBe('cancelled\n');
  },
  40_000,
);
