import { DiskError } from '../../errors.ts';
import type { FileReader } from '../file-reader.ts';
import { guestText } from '../guest-text.ts';
import type { Entry, FileTree } from './file-tree.ts';

/** As FileReader promises of a listing. */
const MAX_NAMES = 10_000;

/** The files of one folder at the top of a tree, by paths below it; no links are followed. */
export function readFilesBelow(tree: FileTree, folder: string): FileReader {
  async function find(path: string, signal: AbortSignal): Promise<Entry | undefined> {
    let entry: Entry | undefined = tree.root;
    for (const name of [folder, ...path.split('/')].filter((segment) => segment !== '')) {
      entry = entry?.kind === 'folder' ? await tree.find(entry, latin1(name), signal) : undefined;
    }
    return entry;
  }
  return {
    async read(path, limitBytes, signal) {
      const file = await find(path, signal);
      if (file?.kind !== 'file') return undefined;
      if (file.size <= limitBytes) return tree.read(file, 0, file.size, signal);
      const found = `${guestText(path, 100)} has ${file.size} bytes, more than the ${limitBytes} expected.`;
      throw new DiskError('UnreadableDisk', found);
    },
    async readTail(path, bytes, signal) {
      const file = await find(path, signal);
      if (file?.kind !== 'file') return undefined;
      const length = Math.min(bytes, file.size);
      return { size: file.size, bytes: await tree.read(file, file.size - length, length, signal) };
    },
    async list(path, signal) {
      const from = await find(path, signal);
      if (from?.kind !== 'folder') return undefined;
      const names: string[] = [];
      for await (const { name, damage } of tree.list(from, signal)) {
        if (damage !== undefined) throw new DiskError('UnreadableDisk', `${guestText(path, 100)}: ${damage}.`);
        if (names.push(Buffer.from(name, 'latin1').toString('utf8')) === MAX_NAMES) break;
      }
      return names;
    },
  };
}

function latin1(name: string): string {
  return Buffer.from(name, 'utf8').toString('latin1');
}
