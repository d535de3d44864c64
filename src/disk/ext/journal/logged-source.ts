import type { ByteSource } from '../../byte-source.ts';
import { damaged } from '../layout.ts';
import { isContentIntact, type JournalLayout } from './journal-layout.ts';
import type { Log, LoggedBlock } from './read-log.ts';

interface LoggedDisk {
  readonly source: ByteSource;
  readonly blockBytes: number;
  readonly log: Log;
  readonly journal: JournalLayout;
  readonly readBlock: (logBlock: number) => Promise<Uint8Array>;
}

/** The disk with the journal's blocks where they belong. A damaged one is an error for whoever reads it, and only then. */
export function createLoggedSource(disk: LoggedDisk): ByteSource {
  const { source, blockBytes, log } = disk;
  return {
    bytes: source.bytes,
    async readAt(offset, length, signal) {
      const bytes = await source.readAt(offset, length, signal);
      let copy: Uint8Array | undefined;
      for (let at = offset - (offset % blockBytes); at < offset + length; at += blockBytes) {
        const logged = log.blocks.get(at / blockBytes);
        if (!logged) continue;
        const content = await readLogged(disk, logged);
        const [from, to] = [Math.max(offset, at), Math.min(offset + length, at + blockBytes)];
        copy ??= new Uint8Array(bytes); // a source may hand out what it keeps, and slice() of a Buffer copies nothing
        copy.set(content.subarray(from - at, to - at), from - offset);
      }
      return copy ?? bytes;
    },
  };
}

/** A block that began with the journal's own magic has zeros there, so that the log stays readable. */
const ESCAPED = Uint8Array.of(0xc0, 0x3b, 0x39, 0x98);

async function readLogged({ readBlock, journal }: LoggedDisk, logged: LoggedBlock): Promise<Uint8Array> {
  const { tag, logBlock } = logged;
  const content = await readBlock(logBlock);
  if (!isContentIntact(content, logged, journal)) throw damaged(`block ${tag.block} in its journal is damaged`);
  if (!tag.escaped) return content;
  const whole = new Uint8Array(content);
  whole.set(ESCAPED);
  return whole;
}
