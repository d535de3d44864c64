import { Command, InvalidArgumentError, Option } from 'commander';
import { RetentionRules } from '../contract/retention.ts';
import { ConfigurationError } from '../errors.ts';
import type { JudgedPoint } from '../vault/index.ts';
import type { CliDeps } from './deps.ts';
import { formatMoment } from './format.ts';
import { invalidInput } from './invalid-input.ts';
import { jsonLines } from './json-lines.ts';
import { describeSimulation, simulate } from './retention-simulation.ts';

interface Options {
  readonly vault?: string;
  readonly json?: true;
}

export function retentionCommand(deps: CliDeps): Command {
  return new Command('retention')
    .description("what a vault's retention rules keep, and why")
    .addCommand(simulateCommand(deps))
    .addCommand(planCommand(deps))
    .addCommand(applyCommand(deps));
}

function planCommand(deps: CliDeps): Command {
  return new Command('plan')
    .description('every point of the vault with what its rules make of it; changes nothing')
    .option('--vault <name>', 'vault of temporal.config.ts')
    .option('--json', 'one point per JSON line')
    .action(async ({ vault, json }: Options) => {
      const door = await deps.openRetention(vault, 'read');
      try {
        tell(deps, await door.judge(), json);
      } finally {
        await door.close();
      }
    });
}

function applyCommand(deps: CliDeps): Command {
  return new Command('apply')
    .description('expire the points that no rule keeps, for good; their data goes with the next collections')
    .option('--vault <name>', 'vault of temporal.config.ts')
    .option('--json', 'one point per JSON line')
    .action(async ({ vault, json }: Options) => {
      const door = await deps.openRetention(vault, 'write');
      try {
        tell(deps, await door.expire(({ pointId }) => deps.stderr.write(`expired ${pointId}\n`)), json);
      } finally {
        await door.close();
      }
    });
}

function tell({ stdout }: CliDeps, judged: readonly JudgedPoint[], json: true | undefined): void {
  const lines = jsonLines(stdout);
  for (const point of judged) {
    if (json) lines.item(point);
    else stdout.write(`${describeJudgement(point)}\n`);
  }
  const expire = judged.filter(({ decision }) => decision === 'expire').length;
  if (json) lines.result({ keep: judged.length - expire, expire });
  else stdout.write(`${judged.length - expire} to keep, ${expire} to expire\n`);
}

function describeJudgement({ pointId, machineId, capturedAt, decision, reasons }: JudgedPoint): string {
  const why = reasons.map(({ text }) => text).join(', ') || 'no rule keeps it';
  return `${decision.padEnd(6)}  ${pointId}  ${machineId}  ${formatMoment(capturedAt)}  ${why}`;
}

interface SimulateOptions extends Options {
  readonly every?: number;
  readonly for: number;
  readonly [rule: string]: unknown;
}

function simulateCommand(deps: CliDeps): Command {
  const command = new Command('simulate')
    .description('live through a policy: with points of a schedule that you give, or with those of a vault')
    .option('--every <time>', 'a point every so often, such as 6h, instead of the points of a vault', milliseconds)
    .addOption(
      new Option('--for <time>', 'for how long, such as 90d or 1y').argParser(milliseconds).default(365 * DAY_MS, '1y'),
    )
    .option('--vault <name>', 'vault of temporal.config.ts; its rules unless others are given here')
    .option('--within <time>', 'keep everything younger, such as 48h or 30d')
    .option('--timezone <name>', 'whose days; default UTC')
    .option('--json', 'rows and what is left as JSON lines');
  for (const rule of COUNTED) {
    command.option(
      `--${rule} <number>`,
      `keep ${rule === 'last' ? 'the last' : `one ${rule} point of the last`} …`,
      Number,
    );
  }
  return command.action(async (options: SimulateOptions) => {
    const found = await simulate(deps, { ...options, rules: givenRules(options) });
    const lines = jsonLines(deps.stdout);
    if (!options.json) deps.stdout.write(describeSimulation(found));
    for (const machine of options.json ? found : []) {
      for (const row of machine.simulation.rows) lines.item({ machineId: machine.machineId, row });
      for (const point of machine.simulation.left) lines.item({ machineId: machine.machineId, point });
    }
    if (options.json) lines.result({ machines: found.length });
  });
}

const COUNTED = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;

/** Undefined when no rule was given on the command line. */
function givenRules(options: SimulateOptions): RetentionRules | undefined {
  const given = Object.fromEntries([...COUNTED, 'within', 'timezone'].map((name) => [name, options[name]]));
  const rules = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  if (Object.keys(rules).length === 0) return undefined;
  const parsed = RetentionRules.safeParse(rules);
  if (!parsed.success) throw invalidInput(parsed.error);
  return parsed.data;
}

const DAY_MS = 86_400_000;
const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS, y: 365 * DAY_MS };

function milliseconds(text: string): number {
  const [, count, unit = ''] = /^([1-9]\d{0,4})([hdwy])$/.exec(text) ?? [];
  const unitMs = UNIT_MS[unit];
  if (count === undefined || unitMs === undefined)
    throw new InvalidArgumentError('give a time such as 6h, 90d, 8w or 1y.');
  return Number(count) * unitMs;
}

/** The rules that a simulation lives through: given ones, else the vault's. */
export function mustHaveRules(rules: RetentionRules | undefined): RetentionRules {
  if (rules) return rules;
  throw new ConfigurationError(
    'InvalidInput',
    'there are no rules to simulate: give some, such as --daily 7 --weekly 4, or set `retention` of the vault in temporal.config.ts',
  );
}
