import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const EC2 = join(ROOT, 'src/platforms/ec2');

/** Names of preflight and isolation lines as the platform's source has them. */
function linesOfTheCode(): string[] {
  const source = readdirSync(EC2)
    .filter((file) =>
      /^(preflight|isolation|network-lines|gateway-lines|endpoint-lines|connection|volume-room)\.ts$/.test(file),
    )
    .map((file) => readFileSync(join(EC2, file), 'utf8'))
    .join('\n');
  const plain = [...source.matchAll(/(?:\bname(?:: | = )|\b(?:check|risk|line)\(\s*)'([a-z][a-z-]+)'/g)].map(
    ([, name = '']) => name,
  );
  const perSubnet = [...source.matchAll(/`\$\{prefix\}([a-z-]+)`/g)].flatMap(([, name = '']) => [
    name,
    `verify-${name}`,
  ]);
  return [...new Set([...plain, ...perSubnet])].sort();
}

/** Names in the first column of the two tables. */
function linesOfTheDocs(): string[] {
  const preflight =
    readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8').split('## 6. Preflight')[1]?.split('\n## ')[0] ?? '';
  const isolation =
    readFileSync(join(ROOT, 'docs/isolation.md'), 'utf8').split('## The lines')[1]?.split('\n## ')[0] ?? '';
  const rows = `${preflight}\n${isolation}`.split('\n').filter((row) => row.startsWith('| `'));
  return rows
    .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([a-z-]+)`/g)].map(([, name = '']) => name))
    .sort();
}

test('every line of preflight and of the isolation proof is explained, and no other is', () => {
  const code = linesOfTheCode();
  expect(code.length).toBeGreaterThan(25);
  expect(linesOfTheDocs()).toEqual(code);
});
