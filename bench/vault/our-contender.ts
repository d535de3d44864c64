import { join } from 'node:path';
import { z } from 'zod';
import { type Command, measure } from '../measure.ts';
import { type Contender, type Images, RANGE_BYTES, type Step } from './contender.ts';

export interface OurSetting {
  readonly name: string;
  readonly place: 's3' | 'folder';
  readonly folder: string;
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
  readonly keyFile: string;
  /** The built package: what is installed by users, who do not pay for stripping types. */
  readonly dist: string;
  readonly images: Images;
  /** Whether the second backup is told which blocks changed. */
  readonly hints: boolean;
  /** False measures what opening every sealed block again costs. */
  readonly verifySealed: boolean;
}

const PutResult = z.object({ pointId: z.string() });

/** `understudy vault` as a person runs it. */
export function ourContender(setting: OurSetting): Contender {
  const { name, place, folder, url, env, keyFile, dist, images, hints, verifySealed } = setting;
  const points: string[] = [];
  const own = (file: string, ...args: string[]): Command => ({
    command: process.execPath,
    args: [join(import.meta.dirname, file), dist, url, keyFile, ...args],
    env,
  });
  const cli = (...args: string[]): Command => ({
    command: process.execPath,
    args: [join(dist, 'command', 'main.js'), 'vault', ...args, '--key-file', keyFile, '--json'],
    env,
  });
  const put = (...more: string[]) => cli('put', images.path, url, '--machine', 'bench', ...more);
  const commands: Record<Step, (target: string) => Command> = {
    first: () => (verifySealed ? put() : own('put-unverified.ts', images.path)),
    second: () => (hints ? put('--changed', images.changed, '--since', points[0] ?? '') : put()),
    restore: (target) => cli('get', url, points[0] ?? '', target),
    range: (target) =>
      cli('get', url, points[0] ?? '', target, '--offset', `${images.rangeOffset}`, '--bytes', `${RANGE_BYTES}`),
    collect: () => own('expire-and-collect.ts', points[0] ?? ''),
  };
  return {
    name,
    place,
    folder,
    async prepare() {
      await measure(cli('init', url));
    },
    command: async (step, target) => commands[step](target),
    done(step, stdout) {
      if (step !== 'first' && step !== 'second') return;
      const last = stdout.trim().split('\n').at(-1) ?? '';
      points.push(PutResult.parse(JSON.parse(last)).pointId);
    },
    restored: (target) => target,
  };
}
