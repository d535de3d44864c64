import type { AgentsVerdict, BootReport, ConsistencyVerdict, Fact, RecipeAnswer } from '../contract/evidence.ts';
import type { Observation } from '../contract/machine.ts';
import type { FileSystemFact } from '../disk/file-system-fact.ts';
import { reasonOf } from './reason-of.ts';

export interface ConsistencyEvidence {
  /** Where agents ran. */
  readonly agents?: AgentsVerdict | undefined;
  /** Of the stopped clone. */
  readonly observation: Observation;
  /** Whether StopInstances was called: an orderly end can then no longer be proven. */
  readonly stoppedByUs: boolean;
  /** Of every volume, read from blocks; null: the disks are not archived, so nothing is claimed of them. */
  readonly fileSystems: readonly FileSystemFact[] | null;
  /** `readConsole(…).fact`. */
  readonly console: Fact;
  /** By recipe: its own clean fact, for those that matched and have one. */
  readonly cleanFacts: Readonly<Record<string, Fact>>;
  /** From the scratch volume. */
  readonly bootReport: BootReport;
}

/** What the platform says when a guest powered itself off (AWS: StateReason of an instance-initiated shutdown). */
const GUEST_POWERED_OFF = 'Client.InstanceInitiatedShutdown';

/**
 * `clean-shutdown` needs every item: the guest's own power-off, every file system clean by its own flag, a console that
 * does not contradict, every application recovered and clean on disk. Whatever is missing is named in `lowered`.
 */
export function judgeConsistency(evidence: ConsistencyEvidence): ConsistencyVerdict {
  const { fileSystems } = evidence;
  const facts = [
    powerOffFact(evidence),
    ...(fileSystems ? fileSystemFacts(fileSystems) : []),
    evidence.console,
    ...applicationFacts(evidence),
  ];
  // What an agent did is judged for itself: it neither raises nor lowers the class of the disks.
  const { agents = {}, facts: agentFacts = [] } = evidence.agents ?? {};
  if (fileSystems === null) return { disks: null, agents, facts: [...facts, ...agentFacts], lowered: [] };
  const lowered = facts.filter(lowers).map(({ name, found }) => `${name}: ${found}`);
  const disks = lowered.length === 0 ? 'clean-shutdown' : 'crash-consistent';
  return { disks, agents, facts: [...facts, ...agentFacts], lowered };
}

/** `not-observed` is noted, not fatal: a platform without a console, an application whose files tell nothing. */
function lowers({ verdict }: Fact): boolean {
  return verdict === 'dirty' || verdict === 'unknown';
}

function powerOffFact({ observation, stoppedByUs }: ConsistencyEvidence): Fact {
  const code = observation.reasonCode ?? 'no reason given';
  if (stoppedByUs) {
    return {
      name: 'power-off',
      verdict: 'dirty',
      found: `stopped from outside (${code}), orderly or not is undecidable`,
    };
  }
  if (observation.state !== 'stopped') {
    return { name: 'power-off', verdict: 'dirty', found: `the machine is ${observation.state}, not stopped (${code})` };
  }
  if (code !== GUEST_POWERED_OFF) return { name: 'power-off', verdict: 'dirty', found: `the machine ended by ${code}` };
  return { name: 'power-off', verdict: 'clean', found: `the guest powered itself off (${code})` };
}

function fileSystemFacts(fileSystems: readonly FileSystemFact[]): Fact[] {
  const facts = fileSystems.map((fs): Fact => {
    const name = `file-system ${fs.volumeId}${fs.partition === 0 ? '' : `/p${fs.partition}`}`;
    // Nothing to be clean: shown, not judged.
    return { name, verdict: fs.state === 'none' ? 'clean' : fs.state, found: `${fs.kind}: ${fs.found}` };
  });
  if (fileSystems.some(({ state }) => state !== 'none')) return facts;
  return [...facts, { name: 'file-systems', verdict: 'unknown', found: 'no file system was found on any volume' }];
}

function applicationFacts({ bootReport, cleanFacts, fileSystems }: ConsistencyEvidence): Fact[] {
  if (!bootReport.finished) {
    const found = bootReport.absent ?? 'the boot script did not finish its report';
    return [
      { name: 'boot-script', verdict: 'unknown', found: `${found}: which applications ran is unknown` },
      ...Object.values(cleanFacts),
    ];
  }
  const detects = bootReport.answers.filter(({ step }) => step === 'detect');
  const matched = detects.filter(({ ok }) => ok).map(({ recipe }) => recipe);
  const unread = fileSystems === null ? 'its disks are not archived' : 'its files on disk tell nothing';
  const applications = [...new Set([...matched, ...Object.keys(cleanFacts)])].flatMap((recipe): Fact[] => [
    ...(matched.includes(recipe) ? [recoveredFact(recipe, bootReport)] : []),
    ...stoppedFacts(recipe, bootReport),
    cleanFacts[recipe] ?? { name: `${recipe} clean`, verdict: 'not-observed', found: unread },
  ]);
  return [...detects.filter(({ broken }) => broken).map(brokenDetectFact), ...applications];
}

/** Only a "no" means that an application is not here: a script that broke leaves that open. */
function brokenDetectFact({ recipe, facts }: RecipeAnswer): Fact {
  return {
    name: `${recipe} detect`,
    verdict: 'dirty',
    found: String(facts.error ?? 'it did not answer').slice(0, 200),
  };
}

function recoveredFact(recipe: string, { answers }: BootReport): Fact {
  const name = `${recipe} recovered`;
  const recovered = answers.find((answer) => answer.recipe === recipe && answer.step === 'recovered');
  if (recovered?.ok) return { name, verdict: 'clean', found: 'it answered before the shutdown' };
  const found = `${recipe} did not recover within its limit${reasonOf(recovered)}`;
  return { name, verdict: 'dirty', found: found.slice(0, 200) };
}

/** Of applications that end by a script of their recipe, before the machine's own shutdown. */
function stoppedFacts(recipe: string, { answers }: BootReport): Fact[] {
  const stop = answers.find((answer) => answer.recipe === recipe && answer.step === 'stop');
  if (!stop) return [];
  const name = `${recipe} stopped`;
  if (stop.ok) return [{ name, verdict: 'clean', found: 'its script ended it in order' }];
  const why = reasonOf(stop) || ': its script failed without a reason';
  return [{ name, verdict: 'dirty', found: `it was not ended in order${why}`.slice(0, 200) }];
}
