import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { guestImage } from '../../../support/guest-image.ts';

const execute = promisify(execFile);
const SPLITTER = fileURLToPath(new URL('../../../../local/guest/files/etc/rc.userdata-parts', import.meta.url));

let busybox: string;
let dir: string;

beforeAll(async () => {
  busybox = (await guestImage()).busybox;
  dir = await mkdtemp(join(tmpdir(), 'user-data-'));
  // The guest's own applets: on the host, awk, base64 and od would be other programs than inside the machine.
  await execute(busybox, ['--install', '-s', dir]);
}, 120_000);

afterAll(() => rm(dir, { recursive: true }));

async function takeApart(
  userData: string | Uint8Array,
): Promise<{ scripts: string[]; names: string[]; notes: string }> {
  const work = await mkdtemp(join(dir, 'run-'));
  await writeFile(join(work, 'user-data'), userData);
  const program = [busybox, 'sh', SPLITTER, join(work, 'user-data'), join(work, 'parts')] as const;
  const { stdout, stderr } = await execute(program[0], program.slice(1), { env: { PATH: dir } });
  const paths = stdout.split('\n').filter(Boolean);
  const scripts = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
  return { scripts, names: paths.map((path) => basename(path)), notes: stderr };
}

const SCRIPT = '#!/bin/sh\necho "one; $two `three` \\\\" # --part\n';
const base64Lines = (text: string, end: string) =>
  (
    Buffer.from(text)
      .toString('base64')
      .match(/.{1,76}/g) ?? []
  ).join(end);

function multipart(
  parts: readonly string[],
  { boundary = 'part', type = 'multipart/mixed; boundary="part"', end = '\n' } = {},
) {
  const head = ['MIME-Version: 1.0', `Content-Type: ${type}`, '', 'a preamble that no one reads'];
  const body = parts.flatMap((part) => [`--${boundary}`, part]);
  return [...head, ...body, `--${boundary}--`, 'an epilogue', ''].join(end);
}

test('a plain script runs as it is, byte for byte', async () => {
  expect(await takeApart(SCRIPT)).toEqual({ scripts: [SCRIPT], names: ['script'], notes: '' });
});

test('a multipart message runs its scripts in order and names what it leaves out', async () => {
  const found = await takeApart(
    multipart([
      'Content-Type: text/cloud-config\n\nssh_deletekeys: false',
      `Content-Type: text/x-shellscript\n\n${SCRIPT}`,
      `Content-Type: text/x-shellscript; charset="utf-8"\nContent-Transfer-Encoding: base64\n\n${base64Lines('#!/bin/sh\necho two\n', '\n')}`,
    ]),
  );
  expect(found.names).toEqual(['script-002', 'script-003']);
  expect(found.scripts).toEqual(
    [`${SCRIPT}`, '#!/bin/sh\necho two\n'].map((text, index) => (index ? text : `${text}\n`)),
  );
  expect(found.notes).toBe('part 001 (text/cloud-config): not a script; left out\n');
});

test.each([
  { form: 'line ends are CRLF', end: '\r\n', options: { end: '\r\n' } },
  { form: 'the boundary stands unquoted', end: '\n', options: { type: 'multipart/mixed; boundary=part; x=y' } },
  { form: 'the boundary is on a folded line', end: '\n', options: { type: 'multipart/mixed;\n boundary="part"' } },
  {
    form: 'the boundary has pattern characters',
    end: '\n',
    options: { type: 'multipart/mixed; boundary="==(1.*+)=="', boundary: '==(1.*+)==' },
  },
  { form: 'header names are in capitals', end: '\n', options: { type: 'MULTIPART/MIXED; BOUNDARY="part"' } },
])('a base64 script of 300 lines arrives whole when $form', async ({ end, options }) => {
  const script = `#!/bin/sh\n${'echo "line with ünïcode"\n'.repeat(300)}`;
  const headers = [
    'content-type: text/x-shellscript',
    'CONTENT-TRANSFER-ENCODING: Base64',
    '',
    base64Lines(script, end),
  ];
  const found = await takeApart(multipart([headers.join(end)], options));
  expect(found.scripts).toEqual([script]);
  expect(found.notes).toBe('');
});

test('gzipped user data is unpacked first', async () => {
  expect((await takeApart(gzipSync(SCRIPT))).scripts).toEqual([SCRIPT]);
});

test.each([
  {
    what: 'cloud-config alone',
    userData: '#cloud-config\nruncmd: []\n',
    note: /neither a script nor a MIME multipart/,
  },
  { what: 'nothing', userData: '', note: /empty/ },
  { what: 'no boundary', userData: 'Content-Type: multipart/mixed\n\n--a\n', note: /without a boundary/ },
  {
    what: 'an unknown encoding',
    userData: multipart(['Content-Type: text/x-shellscript\nContent-Transfer-Encoding: uuencode\n\nx']),
    note: /uuencode is not understood/,
  },
  {
    what: 'broken base64',
    userData: multipart(['Content-Type: text/x-shellscript\nContent-Transfer-Encoding: base64\n\n!!!!']),
    note: /base64 is damaged/,
  },
])('user data with $what runs nothing and says why', async ({ userData, note }) => {
  const found = await takeApart(userData);
  expect(found.scripts).toEqual([]);
  expect(found.notes).toMatch(note);
});

test('a message without its closing boundary runs what it has and says that it was cut', async () => {
  const whole = multipart([`Content-Type: text/x-shellscript\n\n${SCRIPT}`]);
  const found = await takeApart(whole.slice(0, whole.indexOf('--part--')));
  expect(found.scripts).toHaveLength(1);
  expect(found.notes).toMatch(/without its closing boundary/);
});
