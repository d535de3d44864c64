import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DiskError } from '../../../../src/errors.ts';
import { readBootReport } from '../../../../src/recipes/boot/report.ts';
import {
  encodeHeader,
  HEADER_BYTES,
  RESULT_MAGIC,
  RESULT_OFFSET,
} from '../../../../src/recipes/boot/scratch-layout.ts';
import { encodeTar } from '../../../../src/recipes/boot/tar.ts';
import { memoryByteSource } from '../../../support/file-byte-source.ts';

const RUN = '20261123T023107Z-9f2c01ab';
const NEVER = new AbortController().signal;

function scratch(files: Record<string, string>, { runId = RUN, isDamaged = false } = {}): Uint8Array {
  const tar = encodeTar(new Map(Object.entries(files).map(([name, text]) => [name, new TextEncoder().encode(text)])));
  const sha256 = createHash('sha256').update(tar).digest('hex');
  const disk = new Uint8Array(4 << 20);
  disk.set(encodeHeader(RESULT_MAGIC, { runId, bytes: tar.length, sha256 }), RESULT_OFFSET);
  disk.set(tar, RESULT_OFFSET + HEADER_BYTES);
  if (isDamaged) disk[RESULT_OFFSET + HEADER_BYTES + 600] = 1;
  return disk;
}

const read = (disk: Uint8Array) => readBootReport(memoryByteSource(disk), RUN, NEVER);

test('answers, boot id and files come back', async () => {
  const report = await read(
    scratch({
      './answers/redis.probe.json': '{"ok":true,"facts":{"keys":3,"version":"7.0.15"}}',
      './answers/redis.probe.status': '0\n',
      './boot-id': '0f0e0d0c-0b0a-4908-8706-050403020100\n',
      './finished': '',
    }),
  );
  expect(report).toMatchObject({
    finished: true,
    bootId: '0f0e0d0c-0b0a-4908-8706-050403020100',
    answers: [{ recipe: 'redis', step: 'probe', ok: true, facts: { keys: 3, version: '7.0.15' } }],
  });
  expect([...report.files.keys()]).toContain('boot-id');
});

test.each([
  { what: 'ok without an exit status of 0', json: '{"ok":true}', status: '1', error: 'exit status 1, but .* ok: true' },
  {
    what: 'an exit status of 0 without ok',
    json: '{"ok":false}',
    status: '0',
    error: 'exit status 0, but .* ok: false',
  },
  { what: 'text that is no JSON', json: 'half an answer', status: '0', error: 'without an answer: half an answer' },
  { what: 'JSON that is no answer', json: '[1]', status: '0', error: 'without an answer: .1.' },
  { what: 'JSON without its own word', json: '{"facts":{}}', status: '0', error: 'without an answer: .*facts' },
  {
    what: 'a syntax error',
    json: '',
    status: '2',
    log: 'x.sh: 3: unexpected "fi"\n',
    error: '2: x.sh: 3: unexpected "fi"$',
  },
  { what: 'the end by a signal', json: '', status: '137', error: 'exit status 137$' },
  { what: 'an end that nobody saw', json: '', status: '', error: 'exit status is not known' },
])('$what is neither yes nor no, and it says why', async ({ json, status, log = '', error }) => {
  const { answers } = await read(
    scratch({
      'answers/redis.detect.json': json,
      'answers/redis.detect.log': log,
      'answers/redis.detect.status': status,
      finished: '',
    }),
  );
  expect(answers).toMatchObject([{ ok: false, broken: true, facts: { error: expect.stringMatching(error) } }]);
});

test('a "no" with an exit status of its own is a plain no, in its own words', async () => {
  const json = '{"ok":false,"facts":{"reason":"no data folder"}}';
  const { answers } = await read(
    scratch({ 'answers/redis.detect.json': json, 'answers/redis.detect.status': '1', finished: '' }),
  );
  expect(answers).toEqual([{ recipe: 'redis', step: 'detect', ok: false, facts: { reason: 'no data folder' } }]);
});

test('a "no" without a reason is told with the exit status and the last words', async () => {
  const { answers } = await read(
    scratch({
      'answers/redis.check.json': '{"ok":false}',
      'answers/redis.check.log': 'reading the dump\nthe dump is cut\n{"ok":false}\n',
      'answers/redis.check.status': '3',
      finished: '',
    }),
  );
  expect(answers).toEqual([
    { recipe: 'redis', step: 'check', ok: false, facts: { error: 'exit status 3: the dump is cut' } },
  ]);
});

test("nothing written, and another run's results, are no report, and it says why", async () => {
  const nothing = await read(new Uint8Array(4 << 20));
  const foreign = await read(scratch({ finished: '' }, { runId: '20250101T000000Z-00000000' }));
  expect(nothing).toMatchObject({
    finished: false,
    absent: expect.stringContaining('nothing was written'),
    answers: [],
  });
  expect(foreign).toMatchObject({ finished: false, absent: expect.stringContaining('another run'), answers: [] });
});

test('results that do not match their digest are refused', async () => {
  await expect(read(scratch({ finished: 'x'.repeat(600) }, { isDamaged: true }))).rejects.toThrow(/SHA-256/);
});

test('guest text in answers is cut and cannot steer a terminal', async () => {
  const json = JSON.stringify({ ok: true, facts: { '\u001b[31mkey': `\u001b[2J${'x'.repeat(1_000)}` } });
  const { answers } = await read(
    scratch({ 'answers/redis.probe.json': json, 'answers/redis.probe.status': '0', finished: '' }),
  );
  const [[name, value] = []] = Object.entries(answers[0]?.facts ?? {});
  expect(name).toBe('[31mkey');
  expect(String(value).length).toBeLessThanOrEqual(200);
  expect(JSON.stringify(answers)).not.toContain('\\u001b');
});

test('any archive behind a right header gives a report or a DiskError', async () => {
  const valid = encodeTar(new Map([['answers/redis.probe.json', new TextEncoder().encode('{"ok":true}')]]));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 8 }), async (changes) => {
      const tar = valid.slice();
      for (const [at, byte] of changes) tar[at] = byte;
      const disk = new Uint8Array(RESULT_OFFSET + HEADER_BYTES + tar.length);
      const sha256 = createHash('sha256').update(tar).digest('hex');
      disk.set(encodeHeader(RESULT_MAGIC, { runId: RUN, bytes: tar.length, sha256 }), RESULT_OFFSET);
      disk.set(tar, RESULT_OFFSET + HEADER_BYTES);
      try {
        expect((await read(disk)).finished).toBe(false);
      } catch (error) {
        expect(error).toBeInstanceOf(DiskError);
      }
    }),
  );
});
