import { Command, Option } from 'commander';
import { readFailure } from '../../src/cli/failure.ts';
import { Method } from '../../src/contract/names.ts';
import { readToolchain } from '../toolchain.ts';
import { withLabEnv } from '../up/lab-env.ts';
import { readLab } from '../up/read-lab.ts';
import { type Lab, startLab } from '../up/start-lab.ts';
import { type DemoOutcome, runDemo } from './run-demo.ts';

const NAME_WIDTH = 14;

/** What shells report for a program that Ctrl-C ended. */
const INTERRUPTED = 130;
const interrupted = new AbortController();

/** The demo's own words go to standard output, what moves goes to standard error. */
function say(name: string, text: string): void {
  process.stdout.write(`${name.padEnd(NAME_WIDTH)}${text}\n`);
}

interface DemoOptions {
  readonly method: Method;
  readonly state: string;
  readonly keep?: boolean;
}

const program = new Command('demo')
  .description('back up, verify and give back a machine under load, in a lab of its own on this host')
  .addOption(
    new Option('--method <method>', 'how the clone is backed up').choices(Method.options).default('stop-and-snapshot'),
  )
  .addOption(new Option('--state <dir>', "the lab's folder").default('.understudy/local'))
  .option('--keep', 'leave everything running and say what to try')
  .action(async (options: DemoOptions) => {
    process.exitCode = await demonstrate(options);
  });

async function demonstrate({ method, state, keep = false }: DemoOptions): Promise<number> {
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort());
  const wasUp = readLab(state)?.state === 'up';
  const lab = await prepare(state);
  try {
    const outcome = await runDemo({
      lab,
      method,
      say,
      stderr: process.stderr,
      reportFolder: '.understudy',
      afterwards: 'give-back',
      keep,
      signal: interrupted.signal,
    });
    return tell(outcome);
  } finally {
    if (keep || wasUp) tellWhatStays(lab);
    else await lab.stop();
  }
}

async function prepare(stateDir: string): Promise<Lab> {
  const startedAt = performance.now();
  const { temporal, versitygw, qemu, accel, guest } = readToolchain();
  const emulation = accel === 'kvm' ? 'hardware virtualization' : 'software emulation';
  const servers = `Temporal ${temporal.version} · versitygw ${versitygw.version} · QEMU ${qemu.version} (${emulation})`;
  say('set-up', `${servers} · guest ${guest.versions.release}`);
  const lab = await startLab({ stateDir, write: (text) => void process.stderr.write(text) });
  // The product's libraries take endpoints and credentials from the environment, as everywhere.
  const env = withLabEnv(process.env, lab.env());
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const { production } = lab.status;
  const applications = `PostgreSQL ${guest.versions.postgresql}, Redis ${guest.versions.redis}`;
  say(
    'production',
    `${production.instanceId} up: ${applications} on ${production.volumeIds.length} volumes   ${seconds} s`,
  );
  return lab;
}

function tell({ facts, latencies, report, result }: DemoOutcome): number {
  process.stdout.write('\n');
  say('point', `${result.pointId} in vault ${result.vault}, ${result.pointInTime}`);
  for (const { name, holds, found } of facts) say(name, `${holds ? '✓' : '✗'} ${found}`);
  say('latency', `p50/p99 ${latencies}`);
  say('report', report);
  const broken = facts.filter(({ holds }) => !holds).length;
  if (broken > 0) say('result', `${broken} of ${facts.length} facts do not hold`);
  return broken === 0 ? 0 : 1;
}

function tellWhatStays(lab: Lab): void {
  const { status } = lab;
  const run = 'npm run --silent local --';
  process.stdout.write(
    [
      '',
      `Everything is still running. Temporal: ${status.temporal.ui ?? status.temporal.address}`,
      ...['control' as const, 'mover' as const]
        .filter((role) => !lab.findWorker(role))
        .map((role) => `  ${run} worker --role ${role}     # in a terminal of its own`),
      `  ${run} understudy backup ${status.production.instanceId}`,
      `  ${run} understudy points`,
      `  ${run} understudy status`,
      `  ${run} status     # addresses of PostgreSQL, Redis, S3`,
      `  ${run} down       # end it all`,
      '',
    ].join('\n'),
  );
}

try {
  await program.parseAsync();
} catch (error) {
  if (interrupted.signal.aborted) {
    process.stderr.write('demo interrupted\n');
    process.exit(INTERRUPTED);
  }
  const { code, message, remedy } = readFailure(error);
  process.stderr.write(`demo failed: ${message}\n  remedy  ${remedy}\n  code    ${code}\n`);
  process.exitCode = 1;
}
