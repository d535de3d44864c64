import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConfigInput } from '../../src/config/schema.ts';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const REDIS = { port: 6379, socket: '/run/redis/redis.sock' };
const POSTGRESQL = { port: 5432, user: 'postgres', database: 'postgres' };

/** By recipe, in the order in which they are verified: what makes its output red. */
export const DAMAGES: Readonly<Record<string, RegExp>> = {
  'pg-cut': /pg-cut output: as recorded, but it does not load: pg_restore of .* failed/,
  'redis-altered': /redis-altered output: as recorded, but it does not load: the server ended while it loaded the file/,
  'redis-stale':
    /redis-stale output: as recorded, but it does not load: the loaded server does not hold what the agent saw/,
  'later-cut': /later-cut output: not as recorded: \.\/file has 2 bytes, the agent wrote 5/,
  'later-altered': /later-altered output: not as recorded: .*\.\/file: FAILED/,
  'later-stale': /later-stale output: not as recorded: the list of files is not the one that the point records/,
};

/**
 * Recipes whose output is damaged between its agent and the list of what that wrote, so that list and digests agree with it,
 * or behind everybody's back (`spoiler`, in the verification machine). Needs a folder for copies of the product's agents.
 */
export async function damagedAgents(folder: string): Promise<NonNullable<ConfigInput['recipes']>> {
  for (const name of ['postgresql', 'redis'])
    await copyFile(path(`../../src/recipes/${name}/agent.sh`), join(folder, `${name}-agent.sh`));
  const damaged = (name: string, of: 'postgresql' | 'redis', library: readonly string[] = []) => ({
    use: 'command',
    scripts: {
      recovered: path(`../../src/recipes/${of}/recovered.sh`),
      agent: path(`agents/${name}.sh`),
      load: path(`../../src/recipes/${of}/load.sh`),
      library: [join(folder, `${of}-agent.sh`), ...library],
    },
    params: of === 'redis' ? REDIS : POSTGRESQL,
  });
  const later = { use: 'command', scripts: { agent: path('agents/writes.sh') } };
  return {
    'pg-cut': damaged('pg-cut', 'postgresql', [path('../../src/recipes/postgresql/rows.sql')]),
    'redis-altered': damaged('redis-altered', 'redis'),
    'redis-stale': damaged('redis-stale', 'redis'),
    spoiler: { use: 'command', scripts: { agent: path('agents/writes.sh'), load: path('agents/spoils.sh') } },
    'later-cut': later,
    'later-altered': later,
    'later-stale': later,
    floods: { use: 'command', scripts: { agent: path('agents/floods.sh') } },
  };
}
