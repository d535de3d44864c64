import type { AttestRequest, PointFacts } from '../activities/point.ts';
import { type AgentPlan, outputRegion } from '../contract/agent-output.ts';
import type { Check } from '../contract/check.ts';
import type { EvidenceRef, Fact } from '../contract/evidence.ts';
import type { ConsistencyClass } from '../contract/names.ts';
import type { VerificationPhase } from '../contract/progress.ts';
import type { Limits, ResolvedVerification } from '../contract/resolved-backup.ts';
import type { Run } from '../contract/run.ts';
import type { ErrorCode } from '../errors.ts';
import { awaitAgents } from './await-agents.ts';
import { type BootedMachine, bootMachine } from './boot-machine.ts';
import { codeOf, readableFailure } from './failures.ts';
import { judgeVerification } from './judge-verification.ts';
import { mover } from './proxies.ts';
import { restoreSnapshots } from './restore-snapshots.ts';
import { stopAndSnapshot } from './stop-machine.ts';
import * as say from './summaries.ts';
import { together } from './together.ts';
import type { PhaseTracker } from './track-phases.ts';

/** What a verification found; green without failures. */
export interface Finding {
  readonly facts: readonly Fact[];
  readonly failures: readonly string[];
  readonly disks: AttestRequest['disks'];
  readonly agents: AttestRequest['agents'];
  readonly evidence: readonly EvidenceRef[];
  /** Of the launched machine. */
  readonly isolation: readonly Check[];
  readonly restoredBytes: number;
  readonly restoreMs: number;
}

export interface ExamineOrder {
  readonly run: Run;
  readonly resolved: ResolvedVerification;
  readonly point: PointFacts;
  readonly phases: PhaseTracker<VerificationPhase>;
}

/** From the vault's blocks to an answering machine. What speaks against the point is a finding, not an error. */
export async function examinePoint({ run, resolved, point, phases }: ExamineOrder): Promise<Finding> {
  const { vault, pointId, isolation, limits } = resolved;
  const recipes = resolved.recipes.filter(({ name }) => point.recovered.includes(name));
  const { volumes } = point.machine;
  const restores = [...volumes, ...(point.output ? [point.output.volume] : [])];
  try {
    const order = { run, role: 'verify', vault, pointId, volumes: restores, profile: isolation, phases } as const;
    const restored = await phases.run(
      'restore',
      async () => {
        const [disks, snapshots] = await together([
          () => mover.readPointFacts({ vault, pointId, volumes, recipes }),
          () => restoreSnapshots(order),
        ]);
        return { disks, ...snapshots };
      },
      say.restore,
    );
    const boot = {
      run,
      role: 'verify',
      like: { ...point.machine, volumes: restores },
      snapshots: restored.snapshots,
      isolation,
      vault,
      limits,
      ...planLoads(point, limits),
    } as const;
    const booted = await phases.run('launch', () => bootMachine({ ...boot, recipes: resolved.recipes }), say.boot);
    const probed = await phases.run('probe', () => probe({ run, resolved, point, booted }));
    const verdict = judgeVerification({ point, disks: restored.disks, ...probed });
    const evidence = [...booted.evidence, ...(await booted.photographs), ...probed.evidence];
    return { ...verdict, evidence, isolation: booted.isolation, restoredBytes: restored.bytes, restoreMs: restored.ms };
  } catch (error) {
    return refutation(error, point.disks);
  }
}

/** Room to load what agents wrote, and what is recorded of it. */
function planLoads({ pointId, machine, output }: PointFacts, limits: Limits): { readonly agents?: AgentPlan } {
  if (!output) return {};
  const region = outputRegion(limits, machine.volumes);
  const wrote = { pointId, records: output.records };
  return { agents: { agentMs: limits.agentMs, region, wrote } };
}

async function probe(order: {
  readonly run: Run;
  readonly resolved: ResolvedVerification;
  readonly point: PointFacts;
  readonly booted: BootedMachine;
}) {
  const { run, resolved, point } = order;
  const { vault, limits } = resolved;
  const agents = point.output?.records.length ?? 0;
  const booted = agents > 0 ? await awaitAgents({ run, booted: order.booted, agents, limits }) : order.booted;
  const { machine, outcome } = booted;
  const stopped = await stopAndSnapshot({ run, machine, outcome, limits, scratchOnly: true, retain: false });
  const examined = await mover.examineProbe({ run, vault, machine, scratch: stopped.snapshots.scratch });
  return { stopped, ...examined };
}

/** What these say is said about the point itself; every other error is about the attempt and fails it. */
const REFUTES: ReadonlySet<string | undefined> = new Set<ErrorCode>([
  'DamagedFormat',
  'ObjectDamaged',
  'ObjectMissing',
  'UnreadableDisk',
  'CloneNotAlive',
]);

/** An error that speaks against the point, as a finding; others are thrown again. */
export function refutation(error: unknown, claimed: ConsistencyClass): Finding {
  if (!REFUTES.has(codeOf(error))) throw error;
  const reason = readableFailure(error);
  const found = reason instanceof Error ? reason.message : String(reason);
  return {
    facts: [],
    failures: [found],
    disks: { claimed, verdict: 'not-checked' },
    agents: {},
    evidence: [],
    isolation: [],
    restoredBytes: 0,
    restoreMs: 0,
  };
}
