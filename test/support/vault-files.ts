import { open, readdir, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from '../../local/up/start-lab.ts';

/** The files in which the lab's S3 server keeps the vault's objects: what a disk that rots would damage. */
export function vaultFolder({ plan, status }: Lab): string {
  return join(status.stateDir, 's3', 'objects', plan.bucket, plan.prefix);
}

/** Undoes a damage. */
export type Undo = () => Promise<void>;

/** One bit in the middle of the object. */
export async function flipBit(file: string): Promise<Undo> {
  const handle = await open(file, 'r+');
  const { size } = await handle.stat();
  const byte = Buffer.alloc(1);
  const flip = async (on: typeof handle) => {
    await on.read(byte, 0, 1, Math.floor(size / 2));
    await on.write(Buffer.from([byte.readUInt8(0) ^ 0x10]), 0, 1, Math.floor(size / 2));
    await on.close();
  };
  await flip(handle);
  return async () => flip(await open(file, 'r+'));
}

export async function removeObject(file: string): Promise<Undo> {
  await rename(file, `${file}.away`);
  return () => rename(`${file}.away`, file);
}

export async function truncateObject(file: string): Promise<Undo> {
  const whole = await readFile(file);
  await truncate(file, Math.floor(whole.length / 2));
  return () => writeFile(file, whole);
}

/** Any object will do: the first by name, so that a failure can be repeated. */
export async function firstFile(folder: string): Promise<string> {
  const [name] = (await readdir(folder)).sort();
  if (name === undefined) throw new Error(`${folder} is empty`);
  return join(folder, name);
}
