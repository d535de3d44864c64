import { bytesShownAs } from './shown-bytes.ts';

/** Compares two shown paths as a walk orders them: by folders, and names within one by their bytes. */
export function pathOrder(a: string, b: string): number {
  const [left, right] = [keyOf(a), keyOf(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** A slash sorts before every byte of a name, since no name holds a zero byte. The root's own path ends there. */
function keyOf(path: string): string {
  return path === '/' ? '' : bytesShownAs(path).replaceAll('/', '\0');
}
