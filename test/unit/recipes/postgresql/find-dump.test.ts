import { expect, test } from 'vitest';
import type { Entry, FileTree } from '../../../../src/disk/tree/file-tree.ts';
import { findDump } from '../../../../src/recipes/postgresql/find-dump.ts';

const NEVER = new AbortController().signal;

/** What agents left: folders of files, by name. */
function output(folders: Readonly<Record<string, Readonly<Record<string, string>>>>): FileTree {
  const entry = (kind: Entry['kind'], name: string, size = 0) => ({ kind, name, size }) as Entry;
  const home = new Map<Entry, string>();
  const filesOf = (folder: Entry) =>
    Object.entries(folders[folder.name] ?? {}).map(([name, text]) => {
      const file = entry('file', name, Buffer.byteLength(text));
      home.set(file, text);
      return file;
    });
  const inside = (folder: Entry) =>
    folder.name === '' ? Object.keys(folders).map((name) => entry('folder', name)) : filesOf(folder);
  return {
    root: entry('folder', ''),
    async *list(folder: Entry) {
      for (const found of inside(folder)) yield { entry: found };
    },
    find: async (folder: Entry, name: string) => inside(folder).find((one) => one.name === name),
    read: async (file: Entry) => Buffer.from(home.get(file) ?? ''),
  } as unknown as FileTree;
}

const DUMPS = { 'globals.sql': 'x', '1.name': 'postgres\n', '1.dump': 'aa', '2.name': 'bank\n', '2.dump': 'bbb' };

test.each(['postgresql', 'pg-main'])('a dump is found in the folder of the recipe "%s"', async (recipe) => {
  const found = await findDump(output({ '.understudy': {}, [recipe]: DUMPS, redis: { '1.rdb': '' } }), 'bank', NEVER);
  expect(found).toMatchObject({ name: '2.dump', size: 3 });
});

test('a database that no agent dumped has no dump', async () => {
  expect(await findDump(output({ 'pg-main': DUMPS }), 'shop', NEVER)).toBeUndefined();
  expect(await findDump(output({}), 'bank', NEVER)).toBeUndefined();
});

test('of a database that two agents dumped none is guessed: the agents are named, and the way out', async () => {
  const both = output({ 'pg-a': DUMPS, 'pg-b': DUMPS });
  await expect(findDump(both, 'bank', NEVER)).rejects.toThrow(/pg-a and pg-b each left a dump of bank.*--from disks/);
});
