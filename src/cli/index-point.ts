import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import type { FindRecipe } from '../recipes/registry.ts';
import type { IndexedPoint } from '../search/index-point.ts';
import type { CliDeps } from './deps.ts';
import { jsonLines } from './json-lines.ts';
import { addPointOptions, openPoint, type PointOptions } from './point-access.ts';
import { describeCost } from './point-files.ts';
import { terminalText } from './terminal-text.ts';

interface IndexOptions extends PointOptions {
  readonly digests?: true;
  readonly anew?: true;
  readonly json?: true;
}

export function indexCommand(deps: CliDeps): Command {
  const command = new Command('index')
    .description("list a recovery point's files in the vault, so that searches need not read its disks")
    .argument('<point>', 'id of the recovery point, or latest')
    .option('--digests', 'with the SHA-256 of every file: reads all that changed since the point before')
    .option('--anew', "use nothing of an earlier point's index, such as a damaged page")
    .option('--json', 'JSON lines on standard output: one result');
  return addPointOptions(command).action((pointId: string, options: IndexOptions) => runIndex(pointId, options, deps));
}

async function runIndex(pointId: string, options: IndexOptions, { stdout, stderr, signal }: CliDeps): Promise<void> {
  const { indexPoint } = await import('../search/index-point.ts');
  const { findObjects } = await import('../recipes/find-objects.ts');
  const { createKernelReader } = await import('../appliance/kernel-reader.ts');
  const { readToolVersion } = await import('../workers/tool-version.ts');
  const findRecipe = await openFindRecipe(options);
  const point = await openPoint(pointId, options, { signal, stderr });
  try {
    const indexed = await indexPoint({
      ...point,
      digests: options.digests ?? false,
      anew: options.anew ?? false,
      findObjects: (name) => findObjects(findRecipe, name),
      openOthers: createKernelReader,
      toolVersion: await readToolVersion(),
      signal,
    });
    for (const note of indexed.index.notes) stderr.write(`${terminalText(note)}\n`);
    if (options.json) jsonLines(stdout).result(resultOf(indexed));
    else stdout.write(`${describe(indexed)}\n`);
  } finally {
    await point.vault.close();
  }
}

/** Of the configuration; with a vault by its URL there need not be one. */
async function openFindRecipe({ vault }: IndexOptions): Promise<FindRecipe> {
  const { findRecipe, openRecipes } = await import('../recipes/registry.ts');
  if (vault?.includes('://')) return findRecipe;
  const { loadConfig } = await import('../config/index.ts');
  const { config, path } = await loadConfig();
  return openRecipes(config.recipes, pathToFileURL(path));
}

function resultOf({ index, pagesReused, requests, bytesFetched }: IndexedPoint): object {
  const { pointId, indexId, files, digests, objects, pages, notes } = index;
  const counts = { files, objects: objects.length, pages: pages.length, pagesReused, notes: notes.length };
  return { pointId, indexId, digests, ...counts, requests, bytesFetched };
}

function describe(indexed: IndexedPoint): string {
  const { index, pagesReused } = indexed;
  const objects = index.objects.length === 0 ? '' : `, ${index.objects.length} databases and tables`;
  const pages = `${index.pages.length - pagesReused} of ${index.pages.length} pages new`;
  return `indexed  ${index.pointId}: ${index.files} files${objects}; ${pages}; ${describeCost(indexed)}`;
}
