import { execFileSync } from 'node:child_process';
import { ensurePackages } from '../../setup/apt.mjs';

/** What only the bench needs: `npm run setup` stays free of it. */
const PACKAGES = ['restic', 'borgbackup', 'postgresql'];

export interface Tools {
  readonly restic: string;
  readonly resticVersion: string;
  /** restic before 0.17 knows no fastest. */
  readonly resticFastest: boolean;
  readonly borgVersion: string;
}

/** Installs what is missing of the programs to compare with. */
export async function ensureTools(restic: string, note: (text: string) => void): Promise<Tools> {
  await ensurePackages(PACKAGES, { env: process.env, note });
  const ask = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: 'utf8' }).trim();
  return {
    restic,
    resticVersion: ask(restic, 'version').split(' ').slice(0, 2).join(' '),
    resticFastest: ask(restic, 'backup', '--help').includes('fastest'),
    borgVersion: ask('borg', '--version'),
  };
}
