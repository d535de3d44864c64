import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const SRC = join(ROOT, 'src');

/** What a folder of src/ may import besides itself; docs/architecture.md, section 2, tells it to people. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'errors.ts': [],
  'make-folders.ts': ['errors.ts'],
  contract: [],
  workflows: ['contract', 'errors.ts', 'activities (types)', 'platforms (types)'],
  activities: ['contract', 'errors.ts', 'make-folders.ts', 'config', 'platforms', 'recipes', 'vault', 'disk', 'search'],
  workers: [
    'contract',
    'errors.ts',
    'config',
    'platforms',
    'recipes',
    'vault',
    'disk',
    'activities',
    'client',
    'appliance',
  ],
  client: ['contract', 'errors.ts', 'config'],
  cli: [
    'contract',
    'errors.ts',
    'make-folders.ts',
    'config',
    'vault',
    'disk',
    'nbd',
    'qemu',
    'appliance',
    'search',
    'client',
    'workers',
    'report',
    'recipes',
  ],
  config: ['contract', 'errors.ts', 'make-folders.ts', 'recipes (types)'],
  platforms: ['contract', 'errors.ts', 'vault'],
  vault: ['errors.ts', 'make-folders.ts', 'disk'],
  disk: ['errors.ts'],
  nbd: ['errors.ts', 'disk'],
  search: ['contract', 'errors.ts', 'vault', 'disk'],
  qemu: ['errors.ts', 'make-folders.ts'],
  appliance: ['errors.ts', 'disk', 'nbd', 'qemu'],
  recipes: ['contract', 'errors.ts', 'disk'],
  report: ['contract'],
};

/** Packages that only some places may know. */
const ONLY_IN: readonly { readonly pattern: RegExp; readonly places: RegExp }[] = [
  { pattern: /^@aws-sdk\//, places: /^(platforms\/ec2|vault\/(s3|kms))\// },
  { pattern: /^@temporalio\/workflow$/, places: /^(workflows|contract)\// },
  { pattern: /^@temporalio\/(worker|activity)$/, places: /^(workers|activities)\// },
  { pattern: /^d3-/, places: /^report\// },
];

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typesOnly: boolean;
}

const FILES = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const IMPORTS: readonly Import[] = FILES.flatMap((file) => {
  const source = readFileSync(join(SRC, file), 'utf8');
  const statements = source.matchAll(
    /^(import|export)( type)? [^;]*?from '([^']+)';|\bimport\('([^']+)'\)|^import '([^']+)';/gm,
  );
  return [...statements].map(([, , types, named, dynamic, bare]) => ({
    file,
    target: named ?? dynamic ?? bare ?? '',
    typesOnly: types !== undefined,
  }));
});

function folderOf(path: string): string {
  return path.split('/')[0] ?? path;
}

/** The folder of src/ that a relative import leads to; `../…` when it leaves src/. */
function targetFolder({ file, target }: Import): string | undefined {
  return target.startsWith('.') ? folderOf(relative(SRC, join(SRC, dirname(file), target))) : undefined;
}

test('there are imports to look at', () => {
  expect(IMPORTS.length).toBeGreaterThan(300);
});

test('every folder of src/ has its place among the layers, in the test and in the docs', () => {
  const folders = [...new Set(FILES.map(folderOf))].sort();
  const page = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
  expect(folders).toEqual(Object.keys(MAY_IMPORT).sort());
  expect(
    folders.filter((folder) => !page.includes(`| \`src/${folder}${folder.endsWith('.ts') ? '' : '/'}\` |`)),
  ).toEqual([]);
});

test.each(Object.entries(MAY_IMPORT))('src/%s imports nothing above it', (folder, allowed) => {
  const wrong = IMPORTS.filter((one) => folderOf(one.file) === folder).filter((one) => {
    const to = targetFolder(one);
    if (to === undefined || to === folder || allowed.includes(to)) return false;
    return !(one.typesOnly && allowed.includes(`${to} (types)`));
  });
  expect(wrong.map(({ file, target }) => `${file}: ${target}`)).toEqual([]);
});

test.each(ONLY_IN)('$pattern is imported only below $places', ({ pattern, places }) => {
  const found = IMPORTS.filter(({ target }) => pattern.test(target));
  expect(found.length).toBeGreaterThan(0);
  expect(found.filter(({ file }) => !places.test(file)).map(({ file, target }) => `${file}: ${target}`)).toEqual([]);
});

test('nothing in src/ imports the local cloud, the tests or the build', () => {
  expect(IMPORTS.filter((one) => targetFolder(one)?.startsWith('..')).map(({ file }) => file)).toEqual([]);
});
