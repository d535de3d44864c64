import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { describe, expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Import {
  readonly file: string;
  /** `vault`, `@aws-sdk`, `node:fs`. */
  readonly target: string;
  readonly typeOnly: boolean;
}

const IMPORTS = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .flatMap(importsOf);

function importsOf(file: string): Import[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  const statements = text.matchAll(/^(?:import|export)\s+(type\s)?([^'";]*?\sfrom\s)?'([^']+)'/gm);
  return [...statements].map(([, type, names = '', specifier = '']) => ({
    file,
    target: targetOf(file, specifier),
    typeOnly: type !== undefined || onlyTypes(names),
  }));
}

/** `{ type A, type B }` leaves nothing at run time. */
function onlyTypes(names: string): boolean {
  const inner = /^\{(.*)\}\s*from\s$/s.exec(names.trim().concat(' '))?.[1];
  return inner?.split(',').every((name) => /^\s*(type\s|$)/.test(name)) ?? false;
}

function targetOf(file: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier;
  return relative(ROOT, resolve(SRC, dirname(file), specifier));
}

function layerOf(path: string): string {
  const [first = '', second = ''] = path.split('/');
  return first === 'src' ? second.replace(/\.ts$/, '') : first;
}

/** What each layer may import of src (types always: they vanish) and which packages. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  contract: ['contract'],
  disk: ['disk', 'errors', 'contract'],
  vault: ['vault', 'disk', 'errors', 'contract'],
  nbd: ['nbd', 'disk', 'errors'],
  search: ['search', 'vault', 'disk', 'contract', 'errors'],
  qemu: ['qemu', 'errors'],
  appliance: ['appliance', 'qemu', 'nbd', 'disk', 'errors'],
  recipes: ['recipes', 'disk', 'errors', 'contract'],
  config: ['config', 'contract', 'errors'],
  platforms: ['platforms', 'vault', 'disk', 'errors', 'contract'],
  report: ['report', 'vault', 'disk', 'contract', 'errors'],
  workflows: ['workflows', 'contract', 'errors'],
  activities: ['activities', 'platforms', 'vault', 'disk', 'search', 'recipes', 'config', 'contract', 'errors'],
  client: ['client', 'config', 'contract', 'errors'],
};

describe('a layer', () => {
  test.each(Object.keys(ALLOWED))('%s imports nothing above it', (layer) => {
    const wrong = IMPORTS.filter(({ file, target, typeOnly }) => {
      if (layerOf(`src/${file}`) !== layer || !target.startsWith('src/') || typeOnly) return false;
      return !ALLOWED[layer]?.includes(layerOf(target));
    });
    expect(wrong).toEqual([]);
  });

  test('does not reach into the local cloud or the tests', () => {
    expect(IMPORTS.filter(({ target }) => /^(local|test|bench|setup)\//.test(target))).toEqual([]);
  });

  test('speaks to AWS only in its adapters', () => {
    const places = IMPORTS.filter(({ target }) => target.startsWith('@aws-sdk')).map(({ file }) => dirname(file));
    expect([...new Set(places)].sort()).toEqual(['platforms/ec2', 'vault/kms', 'vault/s3']);
  });

  test('knows Temporal only where it is its business', () => {
    const layers = IMPORTS.filter(({ target, typeOnly }) => target.startsWith('@temporalio') && !typeOnly).map(
      ({ file }) => layerOf(`src/${file}`),
    );
    expect([...new Set(layers)].sort()).toEqual(['activities', 'client', 'contract', 'workers', 'workflows']);
  });

  test('workflows import activities as types only', () => {
    const values = IMPORTS.filter(
      ({ file, target, typeOnly }) => file.startsWith('workflows/') && layerOf(target) === 'activities' && !typeOnly,
    );
    expect(values).toEqual([]);
  });
});

test('the workflow bundle holds no AWS SDK, no builtin of Node and nothing of ours but contract and errors', async () => {
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(SRC, 'workflows/index.ts'),
    logger: new DefaultLogger('ERROR', () => undefined),
  });
  // webpack names every module by its path.
  const modules = [...code.matchAll(/^\/\*\*\*\/ "([^"]+)"/gm)].map(([, path = '']) => path);
  expect(modules.length).toBeGreaterThan(50);
  expect(modules.filter((path) => /@aws-sdk|@smithy/.test(path))).toEqual([]);
  expect(modules.filter((path) => path.startsWith('node:'))).toEqual([]);
  const ours = modules
    .filter((path) => path.includes('/src/') && !path.includes('node_modules/'))
    .map((path) => path.replace(/^.*\/src\//, 'src/'));
  expect(ours.filter((path) => !['contract', 'errors', 'workflows'].includes(layerOf(path)))).toEqual([]);
}, 60_000);
