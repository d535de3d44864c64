import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, measure } from '../measure.ts';
import { type Contender, type Images, RANGE_BYTES, type Step } from './contender.ts';

export interface ResticSetting {
  readonly program: string;
  readonly compression: 'auto' | 'fastest';
  readonly folder: string;
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
  readonly workDir: string;
  readonly images: Images;
}

// Ours has up to three packs on their way; restic's own default is more, and fewer makes it slower.
const RESTIC = ['--pack-size', '32', '-o', 's3.connections=5'];

/** restic into the same S3 server, with a cache of its own that it keeps between the steps as it does for its users. */
export function resticContender(setting: ResticSetting): Contender {
  const { program, compression, folder, url, workDir, images } = setting;
  const env = {
    ...setting.env,
    RESTIC_REPOSITORY: `s3:${url}`,
    RESTIC_PASSWORD: 'bench',
    RESTIC_CACHE_DIR: join(workDir, `restic-cache-${compression}`),
    RESTIC_PROGRESS_FPS: '0.1',
  };
  const restic = (...args: string[]): Command => ({
    command: program,
    args: [...RESTIC, ...(compression === 'auto' ? [] : ['--compression', compression]), ...args],
    env,
  });
  const snapshots: string[] = [];
  const commands: Record<Step, (target: string) => Command> = {
    first: () => restic('backup', '--json', images.path),
    second: () => restic('backup', '--json', images.path),
    restore: (target) => restic('restore', snapshots[0] ?? '', '--target', target),
    range: (target) => part(restic('dump', '--no-lock', snapshots[0] ?? '', images.path), images, target),
    collect: () => restic('forget', '--prune', snapshots[0] ?? ''),
  };
  return {
    name: `restic, ${compression === 'auto' ? 'default' : compression} compression`,
    place: 's3',
    folder,
    async prepare() {
      await measure(restic('init'));
    },
    command: async (step, target) => commands[step](target),
    done(step, stdout) {
      const id = /"snapshot_id":"([0-9a-f]+)"/.exec(stdout)?.[1];
      if ((step === 'first' || step === 'second') && id !== undefined) snapshots.push(id);
    },
    restored: (target) => join(target, images.path),
  };
}

export interface BorgSetting {
  readonly folder: string;
  readonly workDir: string;
  readonly images: Images;
}

/** borg has no S3: into a folder. */
export function borgContender({ folder, workDir, images }: BorgSetting): Contender {
  const env = {
    BORG_REPO: folder,
    BORG_PASSPHRASE: 'bench',
    BORG_BASE_DIR: join(workDir, 'borg-base'),
    BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'no',
  };
  const borg = (...args: string[]): Command => ({ command: 'borg', args, env });
  const member = images.path.replace(/^\/+/, '');
  const inFolder = (command: Command, target: string): Command => ({
    command: 'sh',
    args: ['-c', 'cd "$0" && exec "$@"', target, command.command, ...command.args],
    env,
  });
  const commands: Record<Step, (target: string) => Promise<Command>> = {
    first: async () => borg('create', '--compression', 'zstd,1', '::first', images.path),
    second: async () => borg('create', '--compression', 'zstd,1', '::second', images.path),
    async restore(target) {
      await mkdir(target, { recursive: true });
      return inFolder(borg('extract', '::first'), target);
    },
    range: async (target) => part(borg('--bypass-lock', 'extract', '--stdout', '::first', member), images, target),
    collect: async () => ({
      command: 'sh',
      args: ['-c', 'borg delete ::first && borg compact'],
      env,
    }),
  };
  return {
    name: 'borg, zstd 1',
    place: 'folder',
    folder,
    async prepare() {
      // HMAC-SHA-256, which processors with SHA instructions do faster than BLAKE2.
      await measure(borg('init', '--encryption', 'repokey'));
    },
    command: (step, target) => commands[step](target),
    restored: (target) => join(target, member),
  };
}

/**
 * Neither can restore a part of a file: it is cut out of the stream, which ends when the part is complete. Without locks:
 * a program that is cut off leaves them.
 */
function part({ command, args, env = {} }: Command, { rangeOffset }: Images, target: string): Command {
  const cut = `"$@" 2>/dev/null | tail -c +${rangeOffset + 1} | head -c ${RANGE_BYTES} > "$0"`;
  return { command: 'sh', args: ['-c', cut, target, command, ...args], env };
}
