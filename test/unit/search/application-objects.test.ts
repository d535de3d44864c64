import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { OUTPUT_VOLUME_ID } from '../../../src/contract/agent-output.ts';
import { openMachineTree } from '../../../src/disk/tree/machine-tree.ts';
import { findObjects } from '../../../src/recipes/find-objects.ts';
import { findRecipe } from '../../../src/recipes/registry.ts';
import { readObjects } from '../../../src/search/application-objects.ts';
import { memoryByteSource } from '../../support/file-byte-source.ts';

const NEVER = new AbortController().signal;

/** The file system that agents write to: a folder for each. */
function outputImage(files: Readonly<Record<string, string>>): Uint8Array {
  const dir = mkdtempSync(join(tmpdir(), 'agent-output-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const tree = join(dir, 'tree');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(tree, path, '..'), { recursive: true });
    writeFileSync(join(tree, path), text);
  }
  execFileSync('/sbin/mke2fs', ['-q', '-F', '-t', 'ext4', '-d', tree, join(dir, 'image'), '4M'], { stdio: 'pipe' });
  return new Uint8Array(readFileSync(join(dir, 'image')));
}

async function objectsOf(volumeId: string, files: Readonly<Record<string, string>>, agents: readonly string[]) {
  const machine = await openMachineTree([{ volumeId, source: memoryByteSource(outputImage(files)) }], NEVER);
  const told: string[] = [];
  const classes = Object.fromEntries(agents.map((name) => [name, 'application-consistent' as const]));
  const manifest = {
    consistency: { atLeast: 'clean-shutdown' as const, disks: 'clean-shutdown' as const, agents: classes, proofs: [] },
  };
  const objects = await readObjects({
    files: { machine },
    manifest,
    findObjects: (name) => findObjects(findRecipe, name),
    signal: NEVER,
    tell: (line) => void told.push(line),
  });
  return { objects, told };
}

const FILES = {
  'postgresql/1.name': 'bank\n',
  'postgresql/1.rows': 'public.accounts|10000|-5\n',
  'other/1.name': 'x\n',
};

test('tables are read from the output of the agents that the point has, and of no other volume', async () => {
  const expected = [
    { recipe: 'postgresql', kind: 'database', name: 'bank', rows: 10_000 },
    { recipe: 'postgresql', kind: 'table', name: 'bank/public.accounts', rows: 10_000 },
  ];
  // A recipe without objects, and one that the configuration has no more, are no reason to fail.
  const agents = ['redis', 'gone', 'postgresql'];
  expect(await objectsOf(OUTPUT_VOLUME_ID, FILES, agents)).toEqual({ objects: expected, told: [] });
  expect((await objectsOf(OUTPUT_VOLUME_ID, FILES, ['redis'])).objects).toEqual([]);
  expect((await objectsOf('vol-1', FILES, agents)).objects).toEqual([]);
});

test('records that cannot be read are said, and the index is made without them', async () => {
  const files = { ...FILES, 'postgresql/1.name': 'x'.repeat(2_000) };
  const { objects, told } = await objectsOf(OUTPUT_VOLUME_ID, files, ['postgresql']);
  expect(objects).toEqual([]);
  expect(told.join()).toMatch(/agent of postgresql.*2000 bytes/);
});
