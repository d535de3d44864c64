import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PAGES = ['README.md', 'CONTRIBUTING.md', ...pagesBelow('docs')];
const SCRIPTS = new Set([...Object.keys(packageJson.scripts), 'ci', 'install', 'pack']);

function pagesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
}

function read(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

/** Markdown without what stands in fences or in code. */
function prose(page: string): string {
  return read(page)
    .replace(/^```[\s\S]*?^```/gm, '')
    .replace(/`[^`\n]*`/g, '');
}

/** As GitHub makes them: lower case, no punctuation, spaces to hyphens. */
function anchorsOf(page: string): Set<string> {
  const titles = [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title);
  return new Set(
    titles.map((title) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function brokenLinks(page: string): string[] {
  const targets = [...prose(page).matchAll(/\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"/g)].map(
    ([, markdown, attribute]) => markdown ?? attribute ?? '',
  );
  return targets.filter((target) => {
    if (/^https?:/.test(target)) return false;
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? page : join(dirname(page), path);
    if (!existsSync(join(ROOT, file))) return true;
    return anchor !== undefined && !anchorsOf(file).has(anchor);
  });
}

test('there are pages to look at', () => {
  expect(PAGES).toEqual(expect.arrayContaining(['README.md', 'docs/architecture.md', 'docs/errors.md', 'docs/aws.md']));
});

test.each(PAGES)('every link of %s leads somewhere', (page) => {
  expect(brokenLinks(page)).toEqual([]);
});

test.each(PAGES)('every npm command that %s names exists', (page) => {
  const named = [...read(page).matchAll(/\bnpm (?:run )?(?:--silent )?([a-z][a-z:-]*)/g)].map(
    ([, script = '']) => script,
  );
  expect(named.filter((script) => !SCRIPTS.has(script) && script !== 'package' && script !== 'command')).toEqual([]);
});

test.each(PAGES)('every path in code style of %s exists', (page) => {
  const paths = [...read(page).matchAll(/`((?:src|test|docs|local|setup)\/[\w./-]+)`/g)].map(([, path = '']) => path);
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

test.each(PAGES.filter((page) => page.startsWith('docs/')))(
  '%s begins with whom it is for and what they can do after it',
  (page) => {
    const [, title = '', opening = ''] = /^# (.+)\n\n([\s\S]+?)\n\n/.exec(read(page)) ?? [];
    expect(title).not.toBe('');
    expect(opening).toMatch(/^For /);
    expect(opening).toMatch(/After\s+(it|reading)/);
  },
);
