import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BootReport } from '../../../src/contract/evidence.ts';
import { readHarvest } from '../../../src/recipes/boot/harvest.ts';

const BOOT = fileURLToPath(new URL('../../../src/recipes/boot/', import.meta.url));
const execute = promisify(execFile);

/**
 * The machine's side replaced: no disk, no mount, no console; everything else is what runs in a clone. An agent has 8 s:
 * 100 MB through its pipes took more than 3 s where six others wanted the same two cores.
 */
const HARNESS = `
WORK=$1; export WORK; UNDERSTUDY_RUN=20261123T023107Z-9f2c01ab; agent_seconds=8; recovered=$(cat $WORK/recovered)
say() { printf '%s\\n' "$1" >>"$WORK/console"; }
answer() { echo '{"ok":true}' >"$WORK/results/answers/$1.$4.json"; echo 0 >"$WORK/results/answers/$1.$4.status"; }
. "$WORK/payload/harvest.sh"
GRACE_SECONDS=2
make_room() { mkdir -p "$1"; PARTITION=$WORK/partition; : >"$PARTITION"; }
clear_room() { :; }
# A busy machine: an agent that says little has ended before this one begins to read.
tee() { case $1 in */step/log) sleep 0.2 ;; esac; command tee "$@"; }
cd "$WORK/results" && harvest
`;

/** By name: what the agent's script does. Each ends the way its name says. */
const AGENTS: Readonly<Record<string, string>> = {
  good: 'printf abc >"$UNDERSTUDY_OUTPUT/a file"; : >"$UNDERSTUDY_OUTPUT/blank  "; printf y >"$UNDERSTUDY_OUTPUT/dev\\x2dsda"; mkdir "$UNDERSTUDY_OUTPUT/sub"; : >"$UNDERSTUDY_OUTPUT/sub/empty"; count rows 7; yes',
  fails: 'echo partial >"$UNDERSTUDY_OUTPUT/partial"; echo "cannot connect" >&2; exit 3',
  hangs: 'trap "" TERM; echo waiting; while :; do sleep 1; done',
  lasts: 'while :; do echo row >>"$UNDERSTUDY_OUTPUT/dump"; sleep 1; done',
  forks: '(trap "" HUP TERM; sleep 300) & count child $!; yes',
  escapes: 'setsid sleep 300 & yes',
  floods: 'head -c 100000000 /dev/zero | tr "\\\\000" x; printf "\\\\n"; yes',
  lies: 'echo "{\\"ok\\":true,\\"facts\\":{}}"; exit 1',
  dies: 'kill -KILL $$',
  forges: 'printf x >"$UNDERSTUDY_OUTPUT/$(printf "a\\nb")"; yes',
  returns: 'printf x >"$UNDERSTUDY_OUTPUT/$(printf "a\\rb")"; yes',
};

let work: string;
let succeeded: boolean;
let took: number;
const console = async () => readFile(join(work, 'console'), 'utf8');
const result = (name: string) => readFile(join(work, 'results', name));

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'harvest-'));
  for (const folder of ['payload/plan', 'payload/recipes', 'results/answers', 'tmp']) {
    await mkdir(join(work, folder), { recursive: true });
  }
  for (const name of ['steps.sh', 'harvest.sh', 'lib.sh'])
    await writeFile(join(work, 'payload', name), await readFile(join(BOOT, name)));
  for (const [name, script] of Object.entries(AGENTS)) {
    await mkdir(join(work, 'payload/recipes', name));
    await writeFile(join(work, 'payload/recipes', name, 'agent.sh'), `. "$UNDERSTUDY_LIB"\n${script}\n`);
  }
  await mkdir(join(work, 'payload/recipes/refused'));
  await writeFile(join(work, 'payload/recipes/refused/agent.sh'), '. "$UNDERSTUDY_LIB"\nyes\n');
  await writeFile(join(work, 'payload/recipes/refused/check.sh'), '. "$UNDERSTUDY_LIB"\nno "the dump is empty"\n');
  const names = [...Object.keys(AGENTS), 'refused'];
  await writeFile(join(work, 'payload/plan/agents'), ['absent', ...names].join('\n'));
  await writeFile(join(work, 'recovered'), names.join(' '));
  await writeFile(join(work, 'harness.sh'), HARNESS);
  const began = Date.now();
  succeeded = await execute('sh', [join(work, 'harness.sh'), work]).then(
    () => true,
    () => false,
  );
  took = Date.now() - began;
}, 120_000);

afterAll(() => rm(work, { recursive: true, force: true }));

async function harvest() {
  const files = new Map<string, Uint8Array>();
  for (const name of await readdir(join(work, 'results/agents')))
    files.set(`agents/${name}`, await result(`agents/${name}`));
  const answers: BootReport['answers'] = [];
  return readHarvest(files, answers);
}

test('one agent that fails keeps no other from being harvested, and the run knows', async () => {
  const records = (await harvest())?.records ?? [];
  expect(Object.fromEntries(records.map(({ recipe, exitStatus }) => [recipe, exitStatus]))).toEqual({
    good: 0,
    fails: 3,
    hangs: 124,
    lasts: 124,
    forks: 0,
    escapes: 0,
    floods: 0,
    lies: 1,
    dies: 137,
    forges: 0,
    returns: 0,
    refused: 0,
  });
  expect(succeeded).toBe(false);
});

test('records stand in the order in which the agents ran, those of one second too', async () => {
  const records = (await harvest())?.records ?? [];
  expect(records.map(({ recipe }) => recipe)).toEqual([...Object.keys(AGENTS), 'refused']);
});

test('what an agent wrote is listed with sizes and digests, in the order of names', async () => {
  const list = (await result('agents/good.list')).toString();
  expect(list).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 3 ./a file\n' +
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 ./blank  \n' +
      'a1fce4363854ff888cff4b8e7875d600c2682390412a8cf79b37d0b11148b0fa 1 ./dev\\x2dsda\n' +
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 ./sub/empty\n',
  );
  const good = (await harvest())?.records.find(({ recipe }) => recipe === 'good');
  expect(good?.output).toMatchObject({ files: 4, bytes: 4 });
});

test.each(['forges', 'returns'])('an output with a name that %s a line proves nothing', async (name) => {
  expect((await harvest())?.records.find(({ recipe }) => recipe === name)?.output).toBeNull();
});

test('a failed agent leaves its last words and its partial files in the record', async () => {
  expect((await result('answers/fails.agent.log')).toString()).toContain('cannot connect');
  const of = async (name: string) => (await harvest())?.records.find(({ recipe }) => recipe === name);
  expect((await of('fails'))?.output).toMatchObject({ files: 1, bytes: 8 });
  expect((await of('lasts'))?.output).toMatchObject({ files: 1 });
});

test('100 MB of output are counted and hashed, their tail is kept, and the answer behind them is read', async () => {
  const flood = (await harvest())?.records.find(({ recipe }) => recipe === 'floods');
  expect(flood?.log.bytes).toBeGreaterThan(100_000_000);
  expect(flood?.log.sha256).toMatch(/^[0-9a-f]{64}$/);
  expect((await result('answers/floods.agent.log')).length).toBe(65_536);
  expect(JSON.parse((await result('answers/floods.agent.json')).toString())).toEqual({ ok: true, facts: {} });
});

test('an agent that ignores its end, and children that outlive theirs, cost a bounded wait and are gone', async () => {
  // 8 s limit, 2 s to end in order, 6 s to let go of the log, for each of those that do not.
  expect(took).toBeLessThan(90_000);
  const { stdout } = await execute('sh', ['-c', 'ps -eo args | grep -c "[s]leep 300" || true']);
  expect(stdout.trim()).toBe('0');
});

test('the console tells each agent and the end', async () => {
  const lines = (await console()).trim().split('\n');
  expect(lines.filter((line) => line.includes('"wrote"'))).toHaveLength(12);
  expect(lines.at(-1)).toBe('{"step":"harvested","ok":false}');
});

describe('before a load, an output', () => {
  /** What the verification machine's script says of the good agent's folder, with what the point records of it. */
  async function compare(recorded: { readonly files?: string; readonly listSha256?: string } = {}) {
    const output = (await harvest())?.records.find(({ recipe }) => recipe === 'good')?.output;
    const folder = join(work, 'payload/recipes/good');
    await mkdir(join(folder, 'recorded'), { recursive: true });
    await writeFile(join(folder, 'recorded/list-sha256'), recorded.listSha256 ?? output?.listSha256 ?? '');
    await writeFile(join(folder, 'recorded/files'), recorded.files ?? String(output?.files));
    const env = {
      ...process.env,
      UNDERSTUDY_LIB: join(work, 'payload/lib.sh'),
      UNDERSTUDY_OUTPUT: join(work, 'output/good'),
      UNDERSTUDY_AGENT_FACTS: join(folder, 'agent-facts'),
      UNDERSTUDY_TMP: join(work, 'tmp'),
    };
    const said = await execute('sh', [join(BOOT, 'output.sh')], { env }).catch((error: { stdout: string }) => error);
    return JSON.parse(said.stdout.trim().split('\n').at(-1) ?? '') as { ok: boolean; facts: { reason?: string } };
  }

  test('that is as the agent wrote it passes', async () => {
    expect(await compare()).toMatchObject({ ok: true, facts: { files: 4 } });
  });

  test.each([
    { what: 'cut', bytes: 'ab', names: /\.\/a file has 2 bytes, the agent wrote 3/ },
    { what: 'altered', bytes: 'abd', names: /\.\/a file: FAILED/ },
  ])('that was $what is refused, and the file is named', async ({ bytes, names }) => {
    const file = join(work, 'output/good/a file');
    await writeFile(file, bytes);
    const { ok, facts } = await compare().finally(() => writeFile(file, 'abc'));
    expect(ok).toBe(false);
    expect(facts.reason).toMatch(names);
  });

  test('with a file too many, or with the list of another run, is refused', async () => {
    expect((await compare({ files: '5' })).facts.reason).toMatch(/4 files, the agent wrote 5/);
    expect((await compare({ listSha256: 'e'.repeat(64) })).facts.reason).toMatch(/not the one that the point records/);
  });
});
