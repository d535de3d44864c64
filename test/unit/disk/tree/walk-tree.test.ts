import { expect, test } from 'vitest';
import type { Entry, FileTree, TreeItem } from '../../../../src/disk/tree/file-tree.ts';
import { walkTree } from '../../../../src/disk/tree/walk-tree.ts';

const NEVER = new AbortController().signal;

function entry(name: string, inode: bigint): Entry {
  const times = { atimeNs: 0n, mtimeNs: 0n, ctimeNs: 0n };
  return { name, kind: 'folder', size: 0, mode: 0o755, uid: 0, gid: 0, ...times, inode, links: 2 };
}

/** A tree of folders only, each with what it lists. */
function folders(listed: Readonly<Record<string, readonly TreeItem[]>>): FileTree {
  const refuse = () => {
    throw new TypeError('a walk reads no contents');
  };
  return {
    kind: 'made up',
    notices: [],
    root: entry('', 2n),
    async *list({ inode }) {
      yield* listed[String(inode)] ?? [];
    },
    find: refuse,
    extents: refuse,
    read: refuse,
    readLink: refuse,
    xattrs: refuse,
    close: async () => {},
  };
}

async function walked(tree: FileTree): Promise<string[]> {
  const mountedAt = (path: string) => (path === '/' ? tree : undefined);
  const items: string[] = [];
  for await (const { path, damage } of walkTree(tree, { from: tree.root, path: '/', mountedAt }, NEVER))
    items.push(damage === undefined ? path : `${path} ${damage}`);
  return items;
}

test('a name that is lost in the root folder is told once, and the walk goes on', async () => {
  const tree = folders({
    2: [
      { name: '', damage: 'lost' },
      { name: 'etc', entry: entry('etc', 3n) },
    ],
  });
  expect(await walked(tree)).toEqual(['/', '/ lost', '/etc']);
});

test('a folder that stands in many places is told once, so that no disk makes a walk without end', async () => {
  const [a, b] = [entry('a', 3n), entry('b', 3n)];
  const tree = folders({
    2: [
      { name: 'a', entry: a },
      { name: 'b', entry: b },
    ],
    3: [{ name: 'up', entry: entry('up', 2n) }],
  });
  expect(await walked(tree)).toEqual([
    '/',
    '/a',
    '/a/up',
    expect.stringMatching(/^\/a\/up the folder stands elsewhere/),
    '/b',
    expect.stringMatching(/^\/b the folder stands elsewhere/),
  ]);
});
