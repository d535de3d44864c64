import { readFile, writeFile } from 'node:fs/promises';

/** Replaces what stands between the two marks of a bench; the rest of the page is written by people. */
export async function replaceResults(path: string, bench: string, text: string): Promise<void> {
  const begin = `<!-- results: written by npm run bench -- ${bench} -->`;
  const end = `<!-- end of results: ${bench} -->`;
  const page = await readFile(path, 'utf8');
  const [before, rest = ''] = page.split(begin);
  const [, after] = rest.split(end);
  if (before === undefined || after === undefined)
    throw new Error(`${path} has no place for results: ${begin} … ${end}`);
  await writeFile(path, `${before}${begin}\n\n${text}\n${end}${after}`);
}
