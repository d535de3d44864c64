import { DiskError } from '../errors.ts';
import { type FileIndex, type FileRecord, findIndexedFile, type Vault } from '../vault/index.ts';

/** ELOOP in Linux. */
const MAX_LINKS = 40;

interface OpenIndex {
  readonly vault: Vault;
  readonly index: FileIndex;
  readonly signal: AbortSignal;
}

/**
 * A file by its path in a point's index, links in the folders above it followed as the kernel does; undefined when it was
 * not there. UnreadableDisk where the index does not know.
 */
export async function findInIndex(open: OpenIndex, path: string): Promise<FileRecord | undefined> {
  // Most paths hold neither links nor dots, and then one page is enough.
  const isPlain = !path.split('/').some((segment) => segment === '.' || segment === '..');
  const direct =
    isPlain && path.startsWith('/') ? await findIndexedFile({ ...open, path: withoutEnd(path) }) : undefined;
  return direct ?? walk(open, path);
}

async function walk(open: OpenIndex, path: string): Promise<FileRecord | undefined> {
  const find = (segments: readonly string[]) => findIndexedFile({ ...open, path: `/${segments.join('/')}` });
  let walked: string[] = [];
  let left = segmentsOf(path);
  for (let links = 0; links <= MAX_LINKS; ) {
    const [name, ...rest] = left;
    if (name === undefined) return find(walked);
    left = rest;
    if (name === '..') {
      walked = walked.slice(0, -1);
      continue;
    }
    const next = [...walked, name];
    const found = await find(next);
    if (!found) {
      mustBeListed(open.index, `/${next.join('/')}`);
      return undefined;
    }
    if (found.kind !== 'link' || rest.length === 0) {
      walked = next;
      continue;
    }
    const { target = '' } = found;
    if (target.startsWith('/')) walked = [];
    left = [...segmentsOf(target), ...left];
    links++;
  }
  throw new DiskError('UnreadableDisk', `${path} leads round in links.`);
}

/** What is not in the index may still be on a part of the disks that could not be read. */
function mustBeListed({ unreadable }: FileIndex, path: string): void {
  const covering = unreadable.find((one) => path === one.path || path.startsWith(`${one.path.replace(/\/$/, '')}/`));
  if (covering) throw new DiskError('UnreadableDisk', `${covering.path} could not be read: ${covering.reason}`);
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '' && segment !== '.');
}

function withoutEnd(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}
