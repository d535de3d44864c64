import { createHash } from 'node:crypto';
import type { AgentRecord, Fact } from '../contract/evidence.ts';
import type { ByteSource } from '../disk/byte-source.ts';
import { openExtTree } from '../disk/ext/ext-tree.ts';
import { guestText } from '../disk/guest-text.ts';
import type { Entry, FileTree } from '../disk/tree/file-tree.ts';
import { shownBytes } from '../disk/tree/shown-bytes.ts';
import { walkTree } from '../disk/tree/walk-tree.ts';
import { DiskError, EvidenceError } from '../errors.ts';
import type { Beat } from './beating.ts';

export interface OutputsRequest {
  /** The output volume as the vault holds it. */
  readonly source: ByteSource;
  readonly records: readonly AgentRecord[];
  readonly beat: Beat;
  /** Default: MAX_READ_BYTES. */
  readonly maxReadBytes?: number;
}

/**
 * Contents up to here are read again for their SHA-256, later ones compared by name and size: a commit shall not wait for
 * a second reading of terabytes, whose blocks were compared with the platform's checksums when they were sealed.
 */
const MAX_READ_BYTES = 2 ** 30;
/** Names and digests of so many files fit 16 MiB of memory; of more, only their list is compared. */
const MAX_FILES = 50_000;
const MAX_LIST_BYTES = 16 << 20;
const PIECE_BYTES = 1 << 20;

/**
 * Before the commit: what the vault holds of each agent's output is what the agent wrote, by the list that was made in the
 * clone. AgentFailed names the first file that differs.
 */
export async function confirmOutputs(request: OutputsRequest): Promise<readonly Fact[]> {
  const { source, records, beat, maxReadBytes = MAX_READ_BYTES } = request;
  const facts: Fact[] = [];
  let left = maxReadBytes;
  for (const record of records) {
    try {
      const tree = await openExtTree(source, beat.signal);
      const { files, bytesRead, whole } = await confirmOne(tree, record, { beat, left });
      left -= bytesRead;
      const how = whole ? 'with their SHA-256' : `by name and size, ${bytesRead} bytes with their SHA-256`;
      const found = `${files} files in the vault as its agent listed them, compared ${how}`;
      facts.push({ name: `${record.recipe} archived`, verdict: 'clean', found });
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      throw differs(record, error.message, error);
    }
  }
  return facts;
}

interface Confirming {
  readonly beat: Beat;
  /** Bytes whose contents may still be read. */
  readonly left: number;
}

interface Confirmed {
  readonly files: number;
  readonly bytesRead: number;
  /** Whether every file's contents were read. */
  readonly whole: boolean;
}

async function confirmOne(tree: FileTree, record: AgentRecord, { beat, left }: Confirming): Promise<Confirmed> {
  const { recipe, output } = record;
  const list = await findEntry(tree, ['.understudy', `${recipe}.list`], beat);
  const folder = await findEntry(tree, [recipe], beat);
  if (!output || !list || !folder) throw differs(record, 'its folder or the list of its files is missing');
  if ((await digestOf(tree, list, beat)) !== output.listSha256) throw differs(record, 'the list of its files differs');
  if (output.files > MAX_FILES || list.size > MAX_LIST_BYTES)
    return { files: output.files, bytesRead: 0, whole: false };
  const listed = parseList(await tree.read(list, 0, list.size, beat.signal));
  let bytesRead = 0;
  let whole = true;
  for await (const item of walkTree(tree, { from: folder, path: '.' }, beat.signal)) {
    const name = guestText(shownBytes(item.path));
    if (!item.entry) throw differs(record, `${name}: ${item.damage}`);
    if (item.entry.kind !== 'file') continue;
    const wanted = listed.get(item.path);
    if (wanted?.bytes !== item.entry.size)
      throw differs(record, `${name} has ${item.entry.size} bytes, the list says ${wanted?.bytes ?? 'nothing of it'}`);
    listed.delete(item.path);
    if (bytesRead + item.entry.size > left) {
      whole = false;
      continue;
    }
    bytesRead += item.entry.size;
    if ((await digestOf(tree, item.entry, beat)) !== wanted.sha256)
      throw differs(record, `${name} has another SHA-256`);
  }
  const [missing] = listed.keys();
  if (missing !== undefined) throw differs(record, `${guestText(shownBytes(missing))} is missing`);
  return { files: output.files, bytesRead, whole };
}

async function findEntry(tree: FileTree, names: readonly string[], { signal }: Beat): Promise<Entry | undefined> {
  let entry: Entry | undefined = tree.root;
  for (const name of names) entry = entry?.kind === 'folder' ? await tree.find(entry, name, signal) : undefined;
  return entry;
}

async function digestOf(tree: FileTree, file: Entry, { signal, progress }: Beat): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < file.size; at += PIECE_BYTES) {
    hash.update(await tree.read(file, at, Math.min(PIECE_BYTES, file.size - at), signal));
    progress();
  }
  return hash.digest('hex');
}

interface Listed {
  readonly sha256: string;
  readonly bytes: number;
}

/** `<sha256> <bytes> <path>` a line, by path (harvest.sh): its digest was compared, so it is what the clone made of it. */
function parseList(list: Uint8Array): Map<string, Listed> {
  const listed = new Map<string, Listed>();
  for (const line of Buffer.from(list).toString('latin1').split('\n')) {
    const [, sha256, bytes, path] = /^([0-9a-f]{64}) (\d{1,16}) (.+)$/s.exec(line) ?? [];
    if (sha256 !== undefined && path !== undefined) listed.set(path, { sha256, bytes: Number(bytes) });
  }
  return listed;
}

function differs({ recipe }: AgentRecord, what: string, cause?: unknown): EvidenceError {
  return new EvidenceError(
    'AgentFailed',
    `${recipe}: what the vault holds is not what its agent wrote: ${what}. Nothing was committed; take another backup`,
    { context: { recipes: recipe }, cause },
  );
}
