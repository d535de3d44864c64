import type { DiskFacts } from '../activities/disk-facts.ts';
import type { AttestRequest, PointFacts } from '../activities/point.ts';
import type { BootReport, Fact, RecipeAnswer } from '../contract/evidence.ts';
import { judgeOutputs } from './judge-outputs.ts';
import type { StoppedMachine } from './stop-machine.ts';

/** What a verification found, as far as it came. */
export interface VerificationFindings {
  readonly point: PointFacts;
  /** From the blocks in the vault. */
  readonly disks: DiskFacts;
  readonly stopped: Pick<StoppedMachine, 'observation' | 'stoppedByUs'>;
  readonly report: BootReport;
  readonly console: Fact;
}

export interface VerificationVerdict {
  readonly facts: readonly Fact[];
  /** Why it is red; empty when green. */
  readonly failures: readonly string[];
  readonly disks: AttestRequest['disks'];
  readonly agents: AttestRequest['agents'];
}

/** Green needs all of it: disks as claimed, a machine that boots and ends itself, and every application's answer. */
export function judgeVerification({
  point,
  disks,
  stopped,
  report,
  console,
}: VerificationFindings): VerificationVerdict {
  const onDisk = diskFacts(disks);
  const refuted =
    point.disks === 'crash-consistent'
      ? []
      : onDisk.filter(({ verdict }) => verdict === 'dirty' || verdict === 'unknown');
  const answers = point.recovered.map((recipe) => answerFact(recipe, report.answers));
  const machine = [bootFact(report), powerOffFact(stopped)];
  const outputs = judgeOutputs(point.agents, report);
  const asked = [...machine, ...answers].filter(({ verdict }) => verdict !== 'clean');
  return {
    facts: [...onDisk, ...machine, ...answers, ...outputs.facts, console],
    failures: [...refuted, ...asked, ...outputs.failures].map(({ name, found }) => `${name}: ${found}`),
    disks: { claimed: point.disks, verdict: refuted.length === 0 ? 'confirmed' : 'refuted' },
    agents: outputs.agents,
  };
}

function diskFacts({ fileSystems, cleanFacts }: DiskFacts): Fact[] {
  return [
    ...fileSystems.map(({ volumeId, partition, kind, state, found }): Fact => {
      const name = `file-system ${volumeId}${partition === 0 ? '' : `/p${partition}`}`;
      return { name, verdict: state === 'none' ? 'clean' : state, found: `${kind}: ${found}` };
    }),
    ...Object.values(cleanFacts),
  ];
}

function bootFact({ finished, absent }: BootReport): Fact {
  const name = 'restored machine';
  if (absent !== undefined) {
    return { name, verdict: 'unknown', found: `it did not boot as far as its boot script: ${absent}` };
  }
  if (!finished) return { name, verdict: 'dirty', found: 'booted, but its boot script did not finish' };
  return { name, verdict: 'clean', found: 'booted and ran its boot script to the end' };
}

function powerOffFact({ observation, stoppedByUs }: VerificationFindings['stopped']): Fact {
  const name = 'restored machine power-off';
  if (stoppedByUs) return { name, verdict: 'dirty', found: 'did not power itself off within its limit' };
  return { name, verdict: 'clean', found: `ended by ${observation.reasonCode ?? 'an unknown reason'}` };
}

/** An application that recovered in the clone must recover and answer again. */
function answerFact(recipe: string, answers: readonly RecipeAnswer[]): Fact {
  const name = `${recipe} answers`;
  for (const step of ['detect', 'recovered', 'probe'] as const) {
    const answer = answers.find((one) => one.recipe === recipe && one.step === step);
    if (answer?.ok) continue;
    const why = answer ? describeFacts(answer.facts) : 'was not asked';
    return { name, verdict: 'dirty', found: `${MEANING[step]} (${why})`.slice(0, 200) };
  }
  const probe = answers.find((one) => one.recipe === recipe && one.step === 'probe');
  return {
    name,
    verdict: 'clean',
    found: `recovered and answered (${describeFacts(probe?.facts ?? {})})`.slice(0, 200),
  };
}

const MEANING = {
  detect: 'was not found in the restored machine',
  recovered: 'did not recover',
  probe: 'did not answer its probe as it should',
} as const;

function describeFacts(facts: RecipeAnswer['facts']): string {
  const pairs = Object.entries(facts).map(([name, value]) => `${name} ${String(value)}`);
  return pairs.join(', ') || 'no facts';
}
