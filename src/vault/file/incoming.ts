import { randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolders } from '../../make-folders.ts';

/** Objects under way. The dot keeps it out of every listing, the folder keeps it on the same file system for link(2). */
const INCOMING = '.incoming';
/**
 * A file this old is of a process that was killed. The largest object is written in minutes; the rest is for hosts whose
 * clocks differ and for machines that slept meanwhile.
 */
const LEFT_BEHIND_MS = 7 * 24 * 3_600_000;

/** Where one process writes its objects before they get their names. */
export class IncomingFolder {
  readonly #path: string;
  #tidied: Promise<void> | undefined;

  constructor(folder: string) {
    this.#path = join(folder, INCOMING);
  }

  /** A path of its own for a new file; the first call removes what killed processes left. */
  async newPath(): Promise<string> {
    await makeFolders(this.#path);
    this.#tidied ??= this.#tidy();
    await this.#tidied;
    return join(this.#path, randomUUID());
  }

  /** Once a process, as each create would list the folder. What cannot be removed costs room and no backup. */
  async #tidy(): Promise<void> {
    const names = await readdir(this.#path).catch(() => []);
    for (const name of names) {
      const path = join(this.#path, name);
      if (await isLeftBehind(path)) await rm(path, { force: true }).catch(() => undefined);
    }
  }
}

/** By the age of the bytes. One that was killed after link(2) has the object's name as well, and only loses this one. */
async function isLeftBehind(path: string): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  return facts !== undefined && Date.now() - facts.mtimeMs > LEFT_BEHIND_MS;
}
