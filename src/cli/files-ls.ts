import { Command } from 'commander';
import type { ByteString, Entry } from '../disk/tree/file-tree.ts';
import { isoNs } from '../disk/tree/iso-ns.ts';
import { shownBytes } from '../disk/tree/shown-bytes.ts';
import { tellUnread } from '../search/tell-unread.ts';
import { CommandEnd } from './command-end.ts';
import type { CliDeps } from './deps.ts';
import { EXIT } from './exit-codes.ts';
import { jsonLines } from './json-lines.ts';
import { addPointOptions } from './point-access.ts';
import { describeCost, openPointFiles, type PointFiles, type PointFilesOptions } from './point-files.ts';
import { terminalText } from './terminal-text.ts';

interface LsOptions extends PointFilesOptions {
  readonly recursive?: true;
  readonly json?: true;
}

export function filesLsCommand(deps: CliDeps): Command {
  const command = new Command('ls')
    .description('list files as they were, with owners, modes and times')
    .argument('<point:/path>', 'such as latest:/etc; bytes that are no text are written \\xNN')
    .option('--volume <id...>', 'only these volumes, the first of them as the root')
    .option('-r, --recursive', 'everything below, too')
    .option('--json', 'JSON lines on standard output: an item per file, then one result');
  return addPointOptions(command).action((named: string, options: LsOptions) => runLs(named, options, deps));
}

async function runLs(named: string, options: LsOptions, deps: CliDeps): Promise<void> {
  const { stdout, stderr, signal } = deps;
  const files = await openPointFiles(named, options, deps);
  try {
    tellUnread(files.machine, (line) => void stderr.write(`${terminalText(line)}\n`));
    let [shown, damaged] = [0, 0];
    for await (const item of itemsOf(files, options, signal)) {
      if (item.entry) shown++;
      else damaged++;
      if (options.json)
        jsonLines(stdout).item(item.entry ? jsonOf(item.path, item.entry, item.target) : damageOf(item));
      else if (item.entry) stdout.write(`${describe(item.path, item.entry, item.target)}\n`);
      else stderr.write(`damaged  ${shownBytes(item.path)}: ${item.damage}\n`);
    }
    const cost = files.cost();
    if (options.json) jsonLines(stdout).result({ pointId: files.manifest.pointId, files: shown, damaged, ...cost });
    else stderr.write(`${shown} files${damaged ? `, ${damaged} damaged` : ''}; ${describeCost(cost)}\n`);
    if (damaged > 0) throw new CommandEnd(EXIT.failed);
  } finally {
    await files.close();
  }
}

type Shown =
  | { path: ByteString; entry: Entry; target: ByteString; damage?: undefined }
  | { path: ByteString; entry?: undefined; damage: string };

async function* itemsOf(
  { machine, from }: PointFiles,
  { recursive }: LsOptions,
  signal: AbortSignal,
): AsyncIterable<Shown> {
  const depth = from.path === '/' ? 1 : from.path.split('/').length;
  for await (const item of machine.walk(from, signal)) {
    if (item.path === from.path && item.entry?.kind === 'folder') continue;
    // A walk goes down; one level is what a listing without --recursive shows.
    if (!recursive && item.path.split('/').length - 1 > depth) continue;
    if (!item.entry) yield item;
    else yield { ...item, target: item.entry.kind === 'link' ? await item.tree.readLink(item.entry, signal) : '' };
  }
}

const LETTERS = {
  file: '-',
  folder: 'd',
  link: 'l',
  'character-device': 'c',
  'block-device': 'b',
  fifo: 'p',
  socket: 's',
};

function describe(path: ByteString, entry: Entry, target: ByteString): string {
  const { kind, mode, uid, gid, size, mtimeNs } = entry;
  const bits = [...'rwxrwxrwx'].map((letter, i) => ((mode >> (8 - i)) & 1 ? letter : '-')).join('');
  const special = mode >> 9 ? ` ${(mode >> 9).toString()}` : '';
  const owner = `${uid}:${gid}`.padEnd(11);
  const time = new Date(Number(mtimeNs / 1_000_000n)).toISOString().slice(0, 19).replace('T', ' ');
  const arrow = kind === 'link' ? ` -> ${shownBytes(target)}` : '';
  return `${LETTERS[kind]}${bits}${special}  ${owner}  ${String(size).padStart(12)}  ${time}  ${shownBytes(path)}${arrow}`;
}

function jsonOf(path: ByteString, entry: Entry, target: ByteString): object {
  const { kind, size, mode, uid, gid, inode, links, mtimeNs, ctimeNs, atimeNs, btimeNs, rdev } = entry;
  return {
    path: shownBytes(path),
    kind,
    bytes: size,
    mode: mode.toString(8).padStart(4, '0'),
    uid,
    gid,
    inode: Number(inode),
    links,
    modifiedAt: isoNs(mtimeNs),
    changedAt: isoNs(ctimeNs),
    accessedAt: isoNs(atimeNs),
    ...(btimeNs !== undefined && { createdAt: isoNs(btimeNs) }),
    ...(kind === 'link' && { target: shownBytes(target) }),
    ...(rdev && { device: `${rdev.major}:${rdev.minor}` }),
  };
}

function damageOf({ path, damage }: { path: ByteString; damage: string }): object {
  return { path: shownBytes(path), damage };
}
