/** `npm run gcmodel [-- minutes [seed]]`: explores the collector's protocol on the real code for as long as asked. */
import { createVitest } from 'vitest/node';

const [minutes = '10', seed = String(Date.now() % 1_000_000)] = process.argv.slice(2);
process.env.UNDERSTUDY_GCMODEL_MINUTES = minutes;
process.env.UNDERSTUDY_GCMODEL_SEED = seed;
process.stdout.write(`${minutes} minutes, seed ${seed}\n`);
const vitest = await createVitest('test', { watch: false, project: ['unit'], reporters: ['verbose'] });
await vitest.start(['test/unit/vault/collect/gc-model.test.ts']);
await vitest.close();
