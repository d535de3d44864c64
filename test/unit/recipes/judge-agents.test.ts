import { expect, test } from 'vitest';
import type { AgentRecord, BootReport, RecipeAnswer, RecipeStep } from '../../../src/contract/evidence.ts';
import { judgeAgents } from '../../../src/recipes/judge-agents.ts';

const DIGEST = 'a'.repeat(64);
const RECORD: AgentRecord = {
  recipe: 'redis',
  exitStatus: 0,
  startedAt: '2026-11-23T02:31:07.000Z',
  endedAt: '2026-11-23T02:31:09.000Z',
  log: { bytes: 12, sha256: DIGEST },
  output: { files: 2, bytes: 3_000_000, listSha256: DIGEST },
  facts: {},
};
const ALL: readonly RecipeStep[] = ['detect', 'recovered', 'agent', 'check', 'after-agent'];

interface Change {
  readonly record?: Partial<AgentRecord> | 'none';
  /** Steps that answered no, and whether they gave a reason. */
  readonly no?: Partial<Record<RecipeStep, string>>;
  readonly without?: RecipeStep;
  readonly unusable?: string;
  readonly finished?: boolean;
  readonly absent?: string;
}

function report({ record = {}, no = {}, without, unusable, finished = true, absent }: Change = {}): BootReport {
  const answers: RecipeAnswer[] = ALL.filter((step) => step !== without).map((step) => {
    const reason = no[step];
    return { recipe: 'redis', step, ok: reason === undefined, facts: reason ? { reason } : {} };
  });
  const records = record === 'none' ? [] : [{ ...RECORD, ...record }];
  if (absent !== undefined) return { finished: false, answers: [], absent };
  return { finished, answers, harvest: { records, ...(unusable !== undefined && { unusable }) } };
}

test('an agent that succeeded, was checked, and left its application well makes application-consistent output', () => {
  const verdict = judgeAgents(['redis'], report());
  expect(verdict).toMatchObject({ agents: { redis: 'application-consistent' }, failures: [] });
  expect(verdict.facts[0]).toMatchObject({
    verdict: 'clean',
    found: expect.stringMatching(/^wrote 2 files, 3000000 bytes, in 2 s/),
  });
});

test.each<{ what: string; change: Change; says: RegExp }>([
  { what: 'exits with a status', change: { record: { exitStatus: 3 }, no: { agent: '' } }, says: /exit status 3/ },
  { what: 'says no', change: { no: { agent: 'pg_dump failed' } }, says: /pg_dump failed/ },
  {
    what: 'is ended at its limit',
    change: { record: { exitStatus: 124 }, no: { agent: '' } },
    says: /limits\.agentMs/,
  },
  { what: 'fails its check', change: { no: { check: 'the file is damaged' } }, says: /file is damaged/ },
  {
    what: 'writes nothing',
    change: { record: { output: { files: 0, bytes: 0, listSha256: DIGEST } } },
    says: /no file/,
  },
  { what: 'writes what cannot be listed', change: { record: { output: null } }, says: /listed/ },
  { what: 'leaves its application dead', change: { no: { 'after-agent': 'refused' } }, says: /unusable/ },
  { what: 'leaves no record', change: { record: 'none' }, says: /no record/ },
  { what: 'is not run, its application being down', change: { no: { recovered: '' } }, says: /did not recover/ },
  { what: 'leaves a busy file system', change: { unusable: 'it stayed busy' }, says: /stayed busy/ },
  { what: 'is not told to its end', change: { finished: false }, says: /did not finish/ },
  { what: 'dies with its machine', change: { absent: 'nothing' }, says: /machine ended before .* written: nothing/ },
])('an agent that $what proves nothing, and it says why', ({ change, says }) => {
  const { agents, failures, facts } = judgeAgents(['redis'], report(change));
  expect(agents).toEqual({});
  expect(failures).toMatchObject([{ recipe: 'redis', reason: expect.stringMatching(says) }]);
  expect(facts).toMatchObject([{ name: 'redis agent', verdict: 'dirty' }]);
});

test.each([
  { step: 'recovered', says: 'its application did not recover within its limit, so it was not run: ' },
  { step: 'check', says: 'the check of what it wrote failed: ' },
  { step: 'after-agent', says: 'it left its application unusable: that does not answer any more: ' },
] as const)(
  'a script of "$step" that fails is told with its reason, or how it broke, and is named',
  ({ step, says }) => {
    const failing = (change: Partial<RecipeAnswer>): BootReport => ({
      ...report(),
      answers: report().answers.map((answer) => (answer.step === step ? { ...answer, ok: false, ...change } : answer)),
    });
    const no = judgeAgents(['redis'], failing({ facts: { reason: 'my own reason' } }));
    const broken = judgeAgents(
      ['redis'],
      failing({ broken: true, facts: { error: 'exit status 2: unexpected "fi"' } }),
    );
    expect(no.failures).toMatchObject([{ reason: `${says}my own reason`, step }]);
    expect(broken.failures).toMatchObject([{ reason: `${says}exit status 2: unexpected "fi"`, step }]);
  },
);

test('an agent that ends well without an answer has failed, and it says so', () => {
  const answers = report().answers.map((answer) =>
    answer.step === 'agent'
      ? { ...answer, ok: false, broken: true as const, facts: { error: 'without an answer' } }
      : answer,
  );
  expect(judgeAgents(['redis'], { ...report(), answers }).failures).toMatchObject([{ reason: 'without an answer' }]);
});

test('a recipe without a check of its own is taken at its word', () => {
  expect(judgeAgents(['redis'], report({ without: 'check' })).failures).toEqual([]);
});

/** The report of redis, and what another recipe's detect script answered. */
function beside(detect: Omit<RecipeAnswer, 'step' | 'ok'>): BootReport {
  return { ...report(), answers: [...report().answers, { ...detect, step: 'detect', ok: false }] };
}

test('an application that is not in the machine is left out, but one of them must be there', () => {
  const absent = beside({ recipe: 'postgresql', facts: { reason: 'no folder' } });
  expect(judgeAgents(['postgresql', 'redis'], absent).failures).toEqual([]);
  expect(judgeAgents(['postgresql'], absent).failures).toMatchObject([
    { reason: expect.stringMatching(/no application/) },
  ]);
});

test.each([
  {
    what: 'broke',
    found: beside({ recipe: 'shop', broken: true, facts: { error: 'exit status 2: unexpected "fi"' } }),
    says: 'its detect script did not answer: exit status 2: unexpected "fi"',
  },
  { what: 'left nothing', found: report(), says: 'its detect script did not answer' },
])('an application whose detect script $what is a failure, not an application that is elsewhere', ({ found, says }) => {
  const { agents, failures } = judgeAgents(['redis', 'shop'], found);
  expect(agents).toEqual({ redis: 'application-consistent' });
  expect(failures).toEqual([{ recipe: 'shop', reason: says, step: 'detect', exitStatus: null }]);
});

test('where no application is, the failure says why each of them was not seen: its volume may not have been mounted', () => {
  const { failures } = judgeAgents(['redis'], report({ no: { detect: 'there is no data folder' }, record: 'none' }));
  const [failure] = failures;
  expect(failure?.reason).toBe('no application with an agent is in this machine (redis: there is no data folder)');
});
