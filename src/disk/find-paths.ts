import type { FileReader } from './file-reader.ts';

/** A pattern that matches more is a mistake, and a hostile folder must not make the reader run for ever. */
const MAX_PATHS = 200;

/** Paths that match a shell-like pattern with `*` inside of path segments, in order of their names. */
export async function findPaths(disk: FileReader, pattern: string, signal: AbortSignal): Promise<readonly string[]> {
  let found = [''];
  for (const segment of pattern.split('/').filter((part) => part !== '')) {
    if (!segment.includes('*')) {
      found = found.map((path) => `${path}/${segment}`);
      continue;
    }
    const next: string[] = [];
    for (const path of found) {
      const names = (await disk.list(path === '' ? '/' : path, signal)) ?? [];
      next.push(...names.filter((name) => matches(segment, name)).map((name) => `${path}/${name}`));
    }
    found = next.sort().slice(0, MAX_PATHS);
  }
  return found;
}

/** As a shell does: `*` does not match a leading dot. No regular expression: names are hostile. */
function matches(pattern: string, name: string): boolean {
  if (name.startsWith('.') && !pattern.startsWith('.')) return false;
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop() ?? '';
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of rest) {
    at = name.indexOf(part, at);
    if (at === -1) return false;
    at += part.length;
  }
  return at <= name.length - last.length;
}
