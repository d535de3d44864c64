import type { Measurement } from './measurement.ts';

/** From the shortest to the longest that is to be expected. */
export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface PhaseForecast extends Range {
  readonly phase: string;
}

/** How long a restore will take, judged by earlier ones. */
export interface Forecast extends Range {
  readonly phases: readonly PhaseForecast[];
  /** Of how many measurements, and whose. */
  readonly basedOn: {
    readonly kind: Measurement['kind'];
    readonly measurements: number;
    readonly sameMachine: boolean;
    readonly newest: string;
  };
  /** Set where the point is so much larger than what was measured that the figures are only a guess. */
  readonly beyondMeasured: boolean;
}

export interface ForecastRequest {
  /** From the most to the least alike; the first that was ever measured counts. */
  readonly kinds: readonly Measurement['kind'][];
  readonly machineId: string;
  /** Plain bytes that will be read from the vault. */
  readonly bytes: number;
  readonly measurements: readonly Measurement[];
}

/** Later hardware, networks and releases make old figures false; ten show the spread. */
const COUNTED = 10;
/** Rates hold about up to here: larger restores outlast caches and burst credits of volumes and networks. */
const BEYOND = 4;
/** Moves bytes, so its time grows with them; every other phase takes what it takes. */
const MOVES_BYTES = 'restore';

/** Undefined when nothing comparable was ever measured: then nobody knows. */
export function forecast(request: ForecastRequest): Forecast | undefined {
  const { machineId, kinds, bytes } = request;
  const measured = request.measurements.filter(({ phases }) => phases.length > 0);
  const kind = kinds.find((one) => measured.some((candidate) => candidate.kind === one));
  const comparable = measured.filter((one) => one.kind === kind);
  const own = comparable.filter((one) => one.machineId === machineId);
  const basis = (own.length > 0 ? own : comparable).slice(0, COUNTED);
  const [newest] = basis;
  if (!newest) return undefined;
  const phases = newest.phases.map(({ phase }) => ({ phase, ...phaseRange(phase, basis, bytes) }));
  const sum = (key: keyof Range) => phases.reduce((total, phase) => total + phase[key], 0);
  return {
    fromMs: sum('fromMs'),
    toMs: sum('toMs'),
    phases,
    basedOn: { kind: newest.kind, measurements: basis.length, sameMachine: own.length > 0, newest: newest.startedAt },
    beyondMeasured: bytes > BEYOND * Math.max(...basis.map((one) => one.bytes)),
  };
}

function phaseRange(phase: string, basis: readonly Measurement[], bytes: number): Range {
  const times = basis.flatMap((one) => {
    const taken = one.phases.find((candidate) => candidate.phase === phase);
    if (!taken) return [];
    return phase === MOVES_BYTES && one.bytes > 0 ? [(taken.ms / one.bytes) * bytes] : [taken.ms];
  });
  return { fromMs: Math.round(Math.min(...times)), toMs: Math.round(Math.max(...times)) };
}
