import { spawn } from 'node:child_process';
import { Argument, Command, Option } from 'commander';
import { labEnv, shellExports, withLabEnv } from './up/lab-env.ts';
import { findLabPlan } from './up/lab-plan.ts';
import type { LabStatus } from './up/lab-status.ts';
import { understudy } from './up/product.ts';
import { readLab } from './up/read-lab.ts';
import { startLab } from './up/start-lab.ts';
import { stopLab } from './up/stop-lab.ts';

/** A lab that is not in the state which the command needs; the message says what to type. */
class LabError extends Error {}

interface StateOption {
  readonly state: string;
}

const toStderr = (text: string) => void process.stderr.write(text);

function program(): Command {
  const state = () => new Option('--state <dir>', "the lab's folder").default('.understudy/local');
  const local = new Command('local')
    .description('the local cloud: a real cloud in miniature on this machine')
    .enablePositionalOptions(); // what follows `understudy` is the product's own
  local.command('up').description('bring it up; repeatable').addOption(state()).action(up);
  local
    .command('down')
    .description('end everything; the vault and the disks stay')
    .addOption(state())
    .action((options: StateOption) => stopLab(options.state, toStderr));
  local.command('status').description('what runs where').option('--json').addOption(state()).action(status);
  local.command('env').description('shell exports, for eval').addOption(state()).action(env);
  local
    .command('worker')
    .description("run one of the product's workers in the foreground with its role's credentials")
    .addOption(new Option('--role <role>').choices(['control', 'mover']).makeOptionMandatory())
    .addOption(state())
    .action(worker);
  local
    .command('understudy')
    .description('run the product from its sources against the lab')
    .addArgument(new Argument('[args...]'))
    .addOption(state())
    .allowUnknownOption()
    .passThroughOptions()
    .action((args: string[], options: StateOption) => runProduct(args, options));
  return local;
}

async function up(options: StateOption): Promise<void> {
  const startedAt = performance.now();
  const lab = await startLab({ stateDir: options.state, write: toStderr });
  const { production, temporal } = lab.status;
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  toStderr(
    `lab is up in ${seconds} s: production ${production.instanceId}, Temporal ${temporal.ui ?? temporal.address}\n`,
  );
}

function status({ state, json }: StateOption & { readonly json?: true }): void {
  const found = readLab(state);
  if (json)
    process.stdout.write(`${JSON.stringify(found ?? { schema: 'understudy.local/1', state: 'down' }, null, 2)}\n`);
  else process.stdout.write(found ? describe(found) : 'down (never brought up)\n');
}

function describe({ state, production, temporal, aws, vault, stateDir }: LabStatus): string {
  const [postgresql, redis] = production.applications;
  const lines = [
    ['state', state],
    ['production', production.instanceId],
    ['PostgreSQL', `psql -h 127.0.0.1 -p ${postgresql.port} -U ${postgresql.user} ${postgresql.database}`],
    ['Redis', `redis-cli -p ${redis.port}`],
    ['Temporal', `${temporal.address}, ${temporal.ui ?? 'no web interface'}`],
    ['AWS', aws.endpoints.ec2],
    ['vault', `${vault.url} at ${aws.endpoints.s3}`],
    ['folder', stateDir],
  ];
  return `${lines.map(([name = '', value]) => `${name.padEnd(12)}${value}`).join('\n')}\n`;
}

function env({ state }: StateOption): void {
  process.stdout.write(shellExports(exportsOf(state)));
}

function exportsOf(state: string, role?: 'control' | 'mover') {
  const found = readLab(state);
  const plan = findLabPlan(state);
  if (!found || !plan || found.state === 'down') {
    throw new LabError(`no lab runs on ${state}: run "npm run --silent local -- up" first`);
  }
  return labEnv(found, plan.deploymentId, role);
}

function worker({ state, role }: StateOption & { readonly role: 'control' | 'mover' }): Promise<void> {
  return inForeground(['worker', role], exportsOf(state, role));
}

function runProduct(args: readonly string[], { state }: StateOption): Promise<void> {
  return inForeground(args, exportsOf(state));
}

/** The child gets the terminal, Ctrl-C included; its exit code becomes ours. */
async function inForeground(args: readonly string[], lab: Readonly<Record<string, string>>): Promise<void> {
  const line = understudy(args);
  const child = spawn(line.command, line.args, { stdio: 'inherit', env: withLabEnv(process.env, lab) });
  const pass = (signal: NodeJS.Signals) => void child.kill(signal);
  process.on('SIGINT', () => {}); // the terminal has told the child too
  process.on('SIGTERM', pass);
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

try {
  await program().parseAsync(process.argv);
} catch (error) {
  // A stack helps only where it is a bug of ours.
  toStderr(
    `local: ${error instanceof LabError ? error.message : error instanceof Error ? (error.stack ?? error.message) : error}\n`,
  );
  process.exitCode = 1;
}
