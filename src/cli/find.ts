import { Command, InvalidArgumentError } from 'commander';
import { systemCode, VaultError } from '../errors.ts';
import type { LoadPointRequest } from '../search/load-point.ts';
import type { FoundFile, SearchCache } from '../search/search-cache.ts';
import type { Manifest, Vault } from '../vault/index.ts';
import type { CliDeps } from './deps.ts';
import { jsonLines } from './json-lines.ts';
import { addPointOptions, type PointOptions } from './point-access.ts';
import { openSearchVault } from './search-vault.ts';
import { terminalText } from './terminal-text.ts';
import { tellUnreadable } from './unreadable-point.ts';

interface FindOptions extends PointOptions {
  readonly point?: string;
  readonly since?: number;
  readonly limit: number;
  readonly json?: true;
}

const DEFAULT_LIMIT = 10_000;
const DAY_MS = 86_400_000;

export function findCommand(deps: CliDeps): Command {
  const command = new Command('find')
    .description('find files and tables by name in recovery points; what was read once is answered from a local cache')
    .argument('<pattern>', "such as 'invoice*.pdf', a part of a name, or with a / of the path")
    .option('--point <id>', 'in this point; left out: the newest of each machine')
    .option('--since <days>', 'in every point captured since then, such as 30d', days)
    .option('--limit <n>', 'at most so many lines', wholeNumber, DEFAULT_LIMIT)
    .option('--json', 'JSON lines on standard output: an item per file and point, then one result');
  return addPointOptions(command).action((pattern: string, options: FindOptions) => runFind(pattern, options, deps));
}

async function runFind(pattern: string, options: FindOptions, deps: CliDeps): Promise<void> {
  const { stdout, stderr, signal } = deps;
  const { vault, openData, close } = await openSearchVault(options, signal);
  const cache = await openCache(vault.vaultId);
  const tell = (line: string) => void stderr.write(`${terminalText(line)}\n`);
  try {
    const points = await choosePoints(vault, options, deps);
    for (const manifest of points) {
      const notes = cache.notesOf(manifest.pointId) ?? (await load({ cache, vault, openData, manifest, signal, tell }));
      for (const note of notes) tell(`${manifest.pointId}  ${note}`);
    }
    const found = cache.find(
      pattern,
      points.map(({ pointId }) => pointId),
      options.limit,
    );
    for (const file of found) {
      if (options.json) jsonLines(stdout).item({ ...file, mode: file.mode.toString(8).padStart(4, '0') });
      else stdout.write(`${describe(file)}\n`);
    }
    const more = found.length === options.limit;
    if (options.json) jsonLines(stdout).result({ files: found.length, points: points.length, more });
    else
      stderr.write(`${found.length} files in ${points.length} points${more ? '; there may be more: --limit' : ''}\n`);
  } finally {
    cache.close();
    await close();
  }
}

async function openCache(vaultId: string): Promise<SearchCache> {
  const { openSearchCache, searchCachePath } = await import('../search/search-cache.ts');
  const { cacheFolder } = await import('../qemu/cache-folder.mjs');
  const path = searchCachePath(cacheFolder(process.env), vaultId);
  try {
    return openSearchCache(path);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    const found = error instanceof Error ? error.message : String(error);
    const message = `the cache of searches ${path} cannot be used: ${found}; name a folder of yours by XDG_CACHE_HOME`;
    throw new VaultError('TargetUnusable', message, { context: { path }, cause: error });
  }
}

/** What reads disks is loaded only for a point that is not cached: a search takes no longer to start than to answer. */
async function load(request: Omit<LoadPointRequest, 'openOthers'>): Promise<readonly string[]> {
  const { loadPoint } = await import('../search/load-point.ts');
  const { createKernelReader } = await import('../appliance/kernel-reader.ts');
  return loadPoint({ ...request, openOthers: createKernelReader });
}

function describe({ pointId, path, bytes, modifiedAt, target, rows }: FoundFile): string {
  const size = rows === null ? String(bytes) : `${rows} rows`;
  const line = `${pointId}  ${size.padStart(12)}  ${modifiedAt.slice(0, 19)}  ${path}`;
  return target === '' ? line : `${line} -> ${target}`;
}

async function choosePoints(vault: Vault, options: FindOptions, deps: CliDeps): Promise<readonly Manifest[]> {
  const { now, signal } = deps;
  const { findPoint, listPoints } = await import('../vault/index.ts');
  if (options.point !== undefined)
    return [
      await findPoint({
        vault,
        pointId: options.point,
        machineId: options.machine,
        onUnreadable: tellUnreadable(deps),
        signal,
      }),
    ];
  const since = options.since === undefined ? undefined : now().getTime() - options.since * DAY_MS;
  const newest = new Map<string, Manifest>();
  for await (const found of listPoints({ vault, signal })) {
    if (found.state !== 'committed' || found.expired !== null) continue;
    const { machine, capture, pointId } = found.manifest;
    if (options.machine !== undefined && machine.machineId !== options.machine) continue;
    if (since !== undefined && Date.parse(capture.capturedAt) < since) continue;
    newest.set(since === undefined ? machine.machineId : pointId, found.manifest); // listed oldest first
  }
  return [...newest.values()].reverse();
}

function days(value: string): number {
  const [, count] = /^(\d{1,5})d?$/.exec(value) ?? [];
  if (count !== undefined) return Number(count);
  throw new InvalidArgumentError('must be a number of days, such as 30d.');
}

function wholeNumber(value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('must be a whole number.');
}
