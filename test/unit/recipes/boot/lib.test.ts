import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { inEachShell } from '../../../support/shells.ts';
import { temporaryFolder } from '../../../support/vault-fixture.ts';

const LIB = fileURLToPath(new URL('../../../../src/recipes/boot/lib.sh', import.meta.url));
const LONG = 'x'.repeat(2_000);

interface Script {
  readonly text: string;
  readonly args?: readonly string[];
  readonly params?: Readonly<Record<string, string>>;
}

/** By each shell: what a recipe's script says whose only text is this one. */
async function sayInEach({ text, args = [], params = {} }: Script): Promise<readonly string[]> {
  const folder = await temporaryFolder();
  for (const [name, value] of Object.entries(params)) await writeFile(join(folder, name), value);
  const said: string[] = [];
  await inEachShell(async (run) => {
    const env = { UNDERSTUDY_LIB: LIB, UNDERSTUDY_PARAMS: folder };
    said.push(await run(`. "$UNDERSTUDY_LIB"\n${text}\n`, args, env));
  });
  return said;
}

test.each([
  ['plain', 'PostgreSQL 15.20 (Debian), /var/lib/postgresql', 'PostgreSQL 15.20 (Debian), /var/lib/postgresql'],
  ['empty', '', ''],
  [
    'of what shells look at',
    '$(reboot) `reboot` * ? [a-z] ~ & ; | < > % %s #',
    '$(reboot) `reboot` * ? [a-z] ~ & ; | < > % %s #',
  ],
  ['with quotes', 'says "no"', 'says "no"'],
  ['with backslashes', 'a\\b\\n\\', 'a\\b\\n\\'],
  ['with blanks at its end', 'no  ', 'no'],
  ['of several lines', 'one\ntwo\tthree\r\n', 'one two three'],
  ['with escapes of a terminal', 'a\u001b[2Jb\u007f', 'a?[2Jb?'],
  ['of other letters', 'Größe', 'Gr????e'],
  ['as long as may be', LONG, LONG],
  ['too long', `${LONG}y`, LONG],
])('a fact whose text is %s is one line of JSON', async (_, value, expected) => {
  for (const stdout of await sayInEach({ text: 'fact "$1" "$1"; count "$1" 7; yes', args: [value] }))
    expect(stdout).toBe(`\n${JSON.stringify({ ok: true, facts: {} }).replace('{}', facts(expected))}\n`);
});

/** The same name twice, which no object could hold. */
function facts(text: string): string {
  const name = JSON.stringify(text);
  return `{${name}:${name},${name}:7}`;
}

test('what counts nothing is null, and a reason is a fact', async () => {
  const text = 'count keys ""; count rows 1e3; count free -1; (no "it says \\"wait\\"") || yes';
  const answer = '\n{"ok":false,"facts":{"keys":null,"rows":null,"free":null,"reason":"it says \\"wait\\""}}\n';
  for (const stdout of await sayInEach({ text })) expect(stdout.startsWith(answer)).toBe(true);
});

test('a parameter comes as it was written, a list one item per line, and one that is not there says so', async () => {
  const params = { list: '  /srv/a b\n\\n *\n', value: 'without an end', empty: '' };
  const text = 'param list; param value; param empty; param missing || echo "none: $?"';
  for (const stdout of await sayInEach({ text, params }))
    expect(stdout).toBe('  /srv/a b\n\\n *\nwithout an end\nnone: 1\n');
});
