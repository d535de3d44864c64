import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';
import { fuzzTargets } from './targets.ts';

/** `npm run fuzz [-- --seed <text>] [--seconds <n>] [--inputs <n of each>] [--only <target>]`: every decoder of the vault, and files. */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: randomBytes(4).toString('hex') },
    seconds: { type: 'string' },
    inputs: { type: 'string' },
    only: { type: 'string' },
  },
});
const targets = fuzzTargets().filter(({ name }) => values.only === undefined || name === values.only);
if (targets.length === 0) throw new Error(`no target is called '${values.only}'`);
// 240 s over all targets are some millions of inputs on one core.
const seconds = values.seconds ? Number(values.seconds) : values.inputs ? Number.POSITIVE_INFINITY : 240;
const inputs = values.inputs ? Number(values.inputs) : Number.POSITIVE_INFINITY;
process.stdout.write(`seed ${values.seed}\n`);
let all = 0;
for (const target of targets) {
  const until = performance.now() + (seconds * 1000) / targets.length;
  const run = await fuzz(target, { seed: values.seed, inputs, until });
  all += run.inputs;
  process.stdout.write(
    `${run.name.padEnd(30)} ${String(run.inputs).padStart(9)} inputs, ${String(run.accepted).padStart(8)} accepted, slowest ${run.slowestMs.toFixed(1)} ms\n`,
  );
}
process.stdout.write(`${all} inputs, nothing but the errors that say what is damaged\n`);
