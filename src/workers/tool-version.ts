import { readFile } from 'node:fs/promises';
import { z } from 'zod';

/** Of this package: two folders up, in the repository as in the package. */
const PACKAGE = new URL('../../package.json', import.meta.url);

export async function readToolVersion(): Promise<string> {
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(await readFile(PACKAGE, 'utf8')));
  return `understudy ${version}`;
}
