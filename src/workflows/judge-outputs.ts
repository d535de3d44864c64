import type { AttestRequest } from '../activities/point.ts';
import type { BootReport, Fact, RecipeAnswer } from '../contract/evidence.ts';
import type { ConsistencyClass } from '../contract/names.ts';

export interface OutputsVerdict {
  readonly facts: readonly Fact[];
  /** Of the facts: what makes the verification red. */
  readonly failures: readonly Fact[];
  readonly agents: AttestRequest['agents'];
}

/** Each agent's output must be what the point records, and a fresh application must hold what the agent saw. */
export function judgeOutputs(
  claimed: Readonly<Record<string, ConsistencyClass>>,
  { answers }: BootReport,
): OutputsVerdict {
  const facts: Fact[] = [];
  const agents: Record<string, AttestRequest['agents'][string]> = {};
  for (const [recipe, of] of Object.entries(claimed)) {
    const fact = outputFact(recipe, answers);
    facts.push(fact);
    agents[recipe] = { claimed: of, verdict: JUDGEMENT[fact.verdict] };
  }
  return { facts, failures: facts.filter(({ verdict }) => verdict === 'dirty'), agents };
}

const JUDGEMENT = {
  clean: 'confirmed',
  dirty: 'refuted',
  unknown: 'not-checked',
  'not-observed': 'not-checked',
} as const;

function outputFact(recipe: string, answers: readonly RecipeAnswer[]): Fact {
  const of = (step: RecipeAnswer['step']) => answers.find((one) => one.recipe === recipe && one.step === step);
  const name = `${recipe} output`;
  const output = of('output');
  if (!output)
    return { name, verdict: 'dirty', found: 'the output of this point was not found in the restored machine' };
  if (!output.ok) return { name, verdict: 'dirty', found: cut(`not as recorded: ${say(output)}`) };
  const load = of('load');
  if (!load)
    return { name, verdict: 'not-observed', found: 'as recorded; its recipe cannot load it, so it was not tried' };
  if (!load.ok) return { name, verdict: 'dirty', found: cut(`as recorded, but it does not load: ${say(load)}`) };
  return { name, verdict: 'clean', found: cut(`as recorded, and loaded into a fresh instance (${say(load)})`) };
}

function say({ facts }: RecipeAnswer): string {
  if (facts.reason !== undefined) return String(facts.reason);
  return (
    Object.entries(facts)
      .map(([name, value]) => `${name} ${String(value)}`)
      .join(', ') || 'it gave no reason'
  );
}

function cut(text: string): string {
  return text.slice(0, 200);
}
