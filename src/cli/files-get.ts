import { createWriteStream } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { Extracted } from '../disk/extract/extract.ts';
import { shownBytes } from '../disk/tree/shown-bytes.ts';
import { ConfigurationError, VaultError } from '../errors.ts';
import { makeFolders } from '../make-folders.ts';
import { tellUnread } from '../search/tell-unread.ts';
import { CommandEnd } from './command-end.ts';
import type { CliDeps, Output } from './deps.ts';
import { EXIT } from './exit-codes.ts';
import { restoreByWorkflow } from './files-workflow.ts';
import { formatBytes } from './format.ts';
import { jsonLines } from './json-lines.ts';
import { addPointOptions } from './point-access.ts';
import { describeCost, openPointFiles, type PointFiles, type PointFilesOptions, parseNamed } from './point-files.ts';
import { terminalText } from './terminal-text.ts';
import { transferSink } from './transfer-progress.ts';
import { writeBytes } from './write-bytes.ts';

interface GetOptions extends PointFilesOptions {
  readonly to?: string;
  readonly tar?: string;
  readonly workflow?: string;
  readonly detach?: true;
  readonly json?: true;
}

export function filesGetCommand(deps: CliDeps): Command {
  const command = new Command('get')
    .description('restore a file or a tree; the same command goes on with what an earlier attempt left')
    .argument('<point:/path>', 'such as latest:/srv/data')
    .addOption(new Option('--to <folder>', 'where it goes: an empty or new folder').conflicts('tar'))
    .option(
      '--tar <file>',
      'one tar with owners, exact times, extended attributes and devices, without root; - for standard output',
    )
    .addOption(
      new Option(
        '--workflow <folder>',
        'a mover writes them into this folder of temporal.config.ts, for what takes hours',
      ).conflicts(['to', 'tar']),
    )
    .option('--detach', 'with --workflow: start it and do not wait')
    .option('--volume <id...>', 'only these volumes, the first of them as the root')
    .option('--json', 'JSON lines on standard output: progress, an item per problem, then one result');
  return addPointOptions(command).action((named: string, options: GetOptions) => runGet(named, options, deps));
}

async function runGet(named: string, options: GetOptions, deps: CliDeps): Promise<void> {
  const { workflow } = options;
  if (workflow !== undefined) return restoreByWorkflow(parseNamed(named), { ...options, workflow }, deps);
  if (options.to === undefined && options.tar === undefined)
    throw new ConfigurationError(
      'InvalidInput',
      "name the folder with --to <folder>, a tar with --tar <file>, or a mover's folder with --workflow <folder>",
    );
  const files = await openPointFiles(named, options, deps);
  try {
    const tell = (line: string) => void deps.stderr.write(`${terminalText(line)}\n`);
    tellUnread(files.machine, tell);
    const extracted = await (options.to === undefined
      ? toTar(files, options, deps)
      : toFolder(files, options.to, { options, deps }));
    report(files, extracted, { options, deps });
  } finally {
    await files.close();
  }
}

interface Asked {
  readonly options: GetOptions;
  readonly deps: CliDeps;
}

async function toFolder(files: PointFiles, folder: string, asked: Asked): Promise<Extracted> {
  const { extract } = await import('../disk/extract/extract.ts');
  const order = JSON.stringify({ pointId: files.manifest.pointId, path: shownBytes(files.from.path) });
  const { writing } = await import('../vault/index.ts');
  const note = `${resolve(folder)}.understudy-restore`;
  await writing(folder, () => mustBeOurs(folder, note, order));
  const sink = await progressOf(files, asked);
  const extracted = await writing(folder, () =>
    extract({
      machine: files.machine,
      from: files.from,
      folder,
      asRoot: process.getuid?.() === 0,
      signal: asked.deps.signal,
      onProgress: ({ bytes }) => sink.show(bytes),
    }),
  );
  sink.end();
  await rm(note, { force: true });
  return extracted;
}

/** What lies in a folder already may be somebody's; a note beside it says that this restore began it. */
async function mustBeOurs(folder: string, note: string, order: string): Promise<void> {
  await makeFolders(folder);
  const there = await readFile(note, 'utf8').catch(() => undefined);
  if (there === order) return;
  if ((await readdir(folder)).length > 0) {
    const message = `${folder} is not empty, and no unfinished restore of the same files began it; name another folder`;
    throw new VaultError('TargetExists', message, { context: { folder } });
  }
  await writeFile(note, order);
}

async function toTar(files: PointFiles, options: GetOptions, deps: CliDeps): Promise<Extracted> {
  const { writeTar } = await import('../disk/extract/write-tar.ts');
  const { signal } = deps;
  const target = options.tar ?? '-';
  const stream = target === '-' ? undefined : createWriteStream(target, { flags: 'wx', mode: 0o600 });
  const output: Output = stream ?? deps.stdout;
  const failed = stream && new Promise<never>((_, reject) => void stream.on('error', reject));
  failed?.catch(() => {}); // told by the race below
  const sink = await progressOf(files, { options, deps });
  const work = async () => {
    const extracted = await writeTar({
      machine: files.machine,
      from: files.from,
      write: (bytes) => writeBytes(output, bytes, signal),
      signal,
      onProgress: ({ bytes }) => sink.show(bytes),
    });
    sink.end();
    if (stream) await new Promise<void>((done) => void stream.end(done));
    return extracted;
  };
  if (!failed) return work();
  const { writing } = await import('../vault/index.ts');
  return writing(target, () => Promise.race([work(), failed]));
}

/** The size of a tree is not known before it was walked; of one file it is. */
async function progressOf({ from }: PointFiles, { options, deps }: Asked) {
  const sink = await transferSink(options.tar === '-' ? { ...deps, stdout: deps.stderr } : deps, options);
  const name = shownBytes(from.path);
  const total = from.entry.kind === 'file' && { bytesTotal: from.entry.size };
  return {
    show: (bytes: number) => sink.show({ phase: 'restore', volumeId: name, bytesDone: bytes, ...total }),
    end: () => sink.end(),
  };
}

function report(files: PointFiles, extracted: Extracted, { options, deps }: Asked): void {
  const { stdout, stderr } = deps;
  const { problems, ...counts } = extracted;
  const damaged = problems.filter(({ isDamage }) => isDamage).length;
  const lines = jsonLines(options.tar === '-' ? stderr : stdout);
  for (const { path, problem, isDamage } of problems) {
    if (options.json) lines.item({ path: shownBytes(path), problem, isDamage });
    else stderr.write(`${isDamage ? 'damaged' : 'left out'}  ${shownBytes(path)}: ${terminalText(problem)}\n`);
  }
  const cost = files.cost();
  const result = {
    pointId: files.manifest.pointId,
    path: shownBytes(files.from.path),
    ...counts,
    problems: problems.length,
    damaged,
    ...cost,
  };
  if (options.json) lines.result(result);
  else {
    const kept = counts.kept > 0 ? `, ${counts.kept} already there` : '';
    stderr.write(
      `restored  ${counts.files} files${kept}, ${counts.folders} folders, ${counts.links} links, ${formatBytes(counts.bytes)}; ${describeCost(cost)}\n`,
    );
    if (process.getuid?.() !== 0 && options.to !== undefined)
      stderr.write('note  owners and set-user-id bits need root, or --tar\n');
  }
  if (damaged > 0) throw new CommandEnd(EXIT.failed);
}
