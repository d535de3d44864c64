import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigurationError, systemCode } from '../../errors.ts';
import type { Recipe } from '../recipe.ts';
import { STEPS } from './report.ts';
import { fitsTar } from './tar.ts';

/**
 * Everything that a machine gets of one recipe, by its path on the scratch volume. InvalidConfiguration names the recipe and
 * the script or parameter that is wrong; looked at when a worker starts, and again for each machine, since files may go.
 */
export async function readRecipeFiles(recipe: Recipe, rawParams: unknown): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const put = (name: string, bytes: Uint8Array) => {
    const path = `recipes/${recipe.name}/${name}`;
    if (!fitsTar(path))
      throw invalid(`${recipe.name}: the path of "${name}" is too long for a machine. Shorten its name`);
    files.set(path, bytes);
  };
  const scripts = scriptsOf(recipe);
  mustHaveOwnNames(recipe.name, scripts);
  for (const { name, step, url } of scripts) put(name, await readOne(recipe.name, step, url));
  for (const [name, text] of paramFiles(parseParams(recipe, rawParams))) {
    put(`params/${name}`, new TextEncoder().encode(text));
  }
  return files;
}

interface Script {
  /** Beside the others in the machine. */
  readonly name: string;
  readonly step: string;
  readonly url: URL;
}

function scriptsOf({ scripts, library = [] }: Recipe): readonly Script[] {
  const steps = Object.entries(scripts).flatMap(([step, url]) =>
    url === undefined ? [] : [{ name: `${step}.sh`, step, url }],
  );
  return [...steps, ...library.map((url) => ({ name: basename(fileURLToPath(url)), step: 'library', url }))];
}

/** Beside the scripts in a machine: steps, whether a recipe has them or not, and folders. */
const TAKEN = new Set([...STEPS.map((step) => `${step}.sh`), 'params', 'recorded', 'agent-facts']);

/** One file of a library would else take another's place, or become a step. */
function mustHaveOwnNames(recipe: string, scripts: readonly Script[]): void {
  const seen = new Set<string>();
  for (const { name } of scripts.filter(({ step }) => step === 'library')) {
    if (TAKEN.has(name))
      throw invalid(`${recipe}: "${name}" of its library has the name of a step or folder. Rename the file`);
    if (seen.has(name))
      throw invalid(`${recipe}: two files of its library are called "${name}" in a machine. Rename one`);
    seen.add(name);
  }
}

async function readOne(recipe: string, step: string, url: URL): Promise<Uint8Array> {
  try {
    return await readFile(url);
  } catch (cause) {
    const why = `${recipe}: the script ${fileURLToPath(url)} (${step}) cannot be read: ${systemCode(cause) ?? cause}`;
    throw invalid(
      `${why}. It must be a file, named relative to temporal.config.ts, that stays as long as workers run`,
      cause,
    );
  }
}

function parseParams(recipe: Recipe, rawParams: unknown): unknown {
  const parsed = recipe.params.safeParse(rawParams);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = [recipe.name, ...(issue?.path ?? [])].join('.');
  throw invalid(`${where}: ${issue?.message ?? 'is not valid'}. Correct it in temporal.config.ts`);
}

function invalid(what: string, cause?: unknown): ConfigurationError {
  return new ConfigurationError('InvalidConfiguration', `recipes.${what}.`, { cause });
}

/**
 * Each parameter becomes a file, so that no value is ever part of a shell text: lists hold one item per line, records
 * one file per key. Scripts read them with `cat`; those in another language read `params.json`, which has them all.
 */
function* paramFiles(params: unknown): Generator<[name: string, text: string]> {
  if (typeof params !== 'object' || params === null) return;
  yield ['params.json', `${JSON.stringify(params)}\n`];
  for (const [name, value] of Object.entries(params)) {
    if (Array.isArray(value))
      yield [
        name,
        value
          .filter(isScalar)
          .map((item) => `${item}\n`)
          .join(''),
      ];
    else if (isScalar(value)) yield [name, `${value}\n`];
    else {
      for (const [key, inner] of Object.entries(value ?? {}))
        if (isScalar(inner)) yield [`${name}/${key}`, `${inner}\n`];
    }
  }
}

/** What fits a line; anything deeper stands in `params.json` alone. */
function isScalar(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}
