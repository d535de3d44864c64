import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { PlatformError } from '../errors.ts';

export interface QemuPrograms {
  readonly system: string;
  readonly img: string;
}

/** QEMU for machines like ours; QemuMissing says what to install. */
export async function findQemu(env: NodeJS.ProcessEnv): Promise<QemuPrograms> {
  return {
    system: await findProgram('qemu-system-x86_64', 'qemu-system-x86', env),
    img: await findProgram('qemu-img', 'qemu-utils', env),
  };
}

/** The first of its name on the PATH. */
export async function findProgram(name: string, debianPackage: string, env: NodeJS.ProcessEnv): Promise<string> {
  // Relative entries of a PATH would mean another program in each folder.
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder.startsWith('/'));
  for (const folder of folders) {
    const path = join(folder, name);
    if (await mayUse(path, constants.X_OK)) return path;
  }
  throw missing(name, debianPackage);
}

export async function mustExist(path: string, debianPackage: string): Promise<string> {
  if (await mayUse(path, constants.R_OK)) return path;
  throw missing(path, debianPackage);
}

async function mayUse(path: string, mode: number): Promise<boolean> {
  try {
    await access(path, mode);
    return true;
  } catch {
    return false;
  }
}

function missing(name: string, debianPackage: string): PlatformError {
  const message = `${name} is not on this host; install it, on Debian and Ubuntu: sudo apt-get install ${debianPackage}`;
  return new PlatformError('QemuMissing', message, { context: { missing: name } });
}
