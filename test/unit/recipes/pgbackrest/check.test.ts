import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../../support/vault-fixture.ts';

const execute = promisify(execFile);
const RECIPES = fileURLToPath(new URL('../../../../src/recipes/', import.meta.url));

/** As pgBackRest 2.45 says it. */
const BEGIN = 'P00   INFO: verify command begin 2.45: --repo1-path=/output/repository --stanza=understudy\n';
const END = 'P00   INFO: verify command end: completed successfully (296ms)\n';
const CUT_FILE = `P01   INFO: invalid checksum '20261129-101603F/pg_data/base/5/1259'
P00   INFO: stanza: understudy
            status: error
              backup: 20261129-101603F, status: invalid, total files checked: 1273, total valid files: 1272
                checksum invalid: 1
`;
const ALTERED_SEGMENT = `P00   INFO: stanza: understudy
              archiveId: 15-1, total WAL checked: 2, total valid WAL: 1
                missing: 0, checksum invalid: 1, size invalid: 0, other: 0
`;

/** Runs the check where pgbackrest is a stand-in that says `words` to verify and ends with `status`. */
async function check(words: string, status = 0): Promise<{ ok: boolean; facts: Record<string, unknown> }> {
  const dir = await temporaryFolder();
  for (const folder of ['bin', 'params', 'tmp']) await mkdir(join(dir, folder));
  const program = async (name: string, text: string) => {
    await writeFile(join(dir, 'bin', name), `#!/bin/sh\n${text}\n`);
    await chmod(join(dir, 'bin', name), 0o755);
  };
  await program('su', 'while [ "$1" != -c ]; do shift; done; exec sh -c "$2"');
  await writeFile(join(dir, 'words'), words);
  await program(
    'pgbackrest',
    `case $* in *verify*) cat '${dir}/words'; exit ${status} ;; *info*) echo '[{"backup":[{"label":"20261129-101603F"}]}]' ;; esac`,
  );
  await writeFile(join(dir, 'params/user'), 'postgres\n');
  const env = {
    PATH: `${dir}/bin:${process.env.PATH}`,
    UNDERSTUDY_LIB: join(RECIPES, 'boot/lib.sh'),
    UNDERSTUDY_PARAMS: join(dir, 'params'),
    UNDERSTUDY_OUTPUT: join(dir, 'output'),
    UNDERSTUDY_TMP: join(dir, 'tmp'),
  };
  const { stdout } = await execute('sh', [join(RECIPES, 'pgbackrest/check.sh')], { env }).catch(
    (error: { stdout: string }) => error,
  );
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

test('a repository in which pgBackRest found nothing is sound, and its backup is named', async () => {
  expect(await check(BEGIN + END)).toEqual({ ok: true, facts: { label: '20261129-101603F' } });
});

test.each([
  { what: 'a cut file', words: BEGIN + CUT_FILE + END },
  { what: 'an altered segment', words: BEGIN + ALTERED_SEGMENT + END },
  { what: 'a repository it cannot read', words: BEGIN, status: 1 },
])('$what is damage, also where pgBackRest ends as if all were well', async ({ words, status }) => {
  expect(await check(words, status)).toEqual({ ok: false, facts: { reason: expect.stringMatching(/found damage/) } });
});
