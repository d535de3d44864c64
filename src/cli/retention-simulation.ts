import type { RetentionRules } from '../contract/retention.ts';
import type { Simulation } from '../vault/index.ts';
import type { CliDeps } from './deps.ts';
import { formatMoment } from './format.ts';
import { mustHaveRules } from './retention.ts';

export interface SimulateRequest {
  readonly vault?: string;
  /** A synthetic schedule; without it the points of the vault. */
  readonly every?: number;
  readonly for: number;
  readonly rules: RetentionRules | undefined;
}

export interface SimulatedMachine {
  readonly machineId: string;
  readonly simulation: Simulation;
}

/** About as many rows as fit a screen. */
const ROWS = 13;
const DAY_MS = 86_400_000;

export async function simulate(deps: CliDeps, request: SimulateRequest): Promise<readonly SimulatedMachine[]> {
  const { simulateRetention, syntheticPoints } = await import('../vault/index.ts');
  if (request.every !== undefined && request.rules) {
    const until = deps.now();
    const from = new Date(until.getTime() - request.for);
    const points = syntheticPoints({ from, until, everyMs: request.every });
    const rowDays = Math.max(1, Math.round(request.for / DAY_MS / ROWS));
    return [{ machineId: 'schedule', simulation: simulateRetention({ points, rules: request.rules, until, rowDays }) }];
  }
  const door = await deps.openRetention(request.vault, 'read');
  try {
    const rules = mustHaveRules(request.rules ?? door.rules);
    const points =
      request.every === undefined
        ? await door.points()
        : syntheticPoints({
            from: new Date(deps.now().getTime() - request.for),
            until: deps.now(),
            everyMs: request.every,
          }).map((point) => ({ ...point, machineId: 'schedule' }));
    return [...Map.groupBy(points, ({ machineId }) => machineId)].map(([machineId, own]) => ({
      machineId,
      simulation: simulateRetention({ points: own, rules, until: deps.now(), rowDays: rowDaysOf(own, deps.now()) }),
    }));
  } finally {
    await door.close();
  }
}

function rowDaysOf(points: readonly { readonly capturedAt: string }[], until: Date): number {
  const oldest = Math.min(until.getTime(), ...points.map(({ capturedAt }) => Date.parse(capturedAt)));
  return Math.max(1, Math.round((until.getTime() - oldest) / DAY_MS / ROWS));
}

export function describeSimulation(machines: readonly SimulatedMachine[]): string {
  if (machines.length === 0) return 'no recovery points\n';
  return machines.map(describeMachine).join('\n');
}

function describeMachine({ machineId, simulation: { rows, left } }: SimulatedMachine): string {
  const table = rows.map(({ at, made, expired, kept, oldest }) => {
    const numbers = [made, expired, kept].map((count) => String(count).padStart(7)).join('');
    return `${formatMoment(at)}${numbers}  ${oldest === '' ? '' : formatMoment(oldest)}`;
  });
  const points = left.map(
    ({ capturedAt, reasons }) => `  ${formatMoment(capturedAt)}  ${reasons.map(({ text }) => text).join(', ')}`,
  );
  return [
    machineId,
    `${'until'.padEnd(23)}   made expired   kept  oldest`,
    ...table,
    `left: ${left.length} points`,
    ...points,
    '',
  ].join('\n');
}
