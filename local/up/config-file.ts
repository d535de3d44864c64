import { rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { ConfigInput } from '../../src/config/schema.ts';
import { BANK } from './applications.ts';
import { BANK_QUERIES } from './bank-queries.ts';
import { configFile } from './lab-env.ts';
import type { IsolatedNetwork } from './networks.ts';

const DEFINE_CONFIG = fileURLToPath(new URL('../../src/config/index.ts', import.meta.url));

export interface LabConfig {
  readonly vaultUrl: string;
  readonly kmsKeyId: string;
  readonly isolation: IsolatedNetwork;
  readonly limits: ConfigInput['limits'];
  /** Beside those that the lab has. */
  readonly recipes: ConfigInput['recipes'];
}

// A machine here boots in 4 to 9 s, on a busy host in a minute; a person who watches should not wait for EC2's limits.
const LIMITS: ConfigInput['limits'] = {
  firstSignMs: 2 * 60_000,
  recoverMs: 5 * 60_000,
  shutdownMs: 3 * 60_000,
  runMs: 60 * 60_000,
  agentMs: 5 * 60_000,
  // The bank takes megabytes.
  outputGiB: 1,
};

/** The local cloud has no Route 53 Resolver and no VPC Lattice, so there is nothing in them to check. */
const ACCEPTED = ['resolver-rules', 'lattice-associations'];

/** The lab's own temporal.config.ts; the name of the file is what the product looks for. */
export async function writeConfigFile(
  stateDir: string,
  { vaultUrl, kmsKeyId, isolation, limits, recipes }: LabConfig,
): Promise<void> {
  const config: ConfigInput = {
    vaults: { main: { url: vaultUrl, kmsKeyId } },
    isolation: { lab: { ...isolation, kmsKeyId, acceptNotChecked: ACCEPTED } },
    // The bank's own numbers become facts of every verification.
    recipes: { postgresql: { database: BANK.database, probeQueries: { ...BANK_QUERIES } }, redis: {}, ...recipes },
    plans: {
      nightly: { select: { tags: { backup: 'nightly' } }, schedule: { cron: ['0 2 * * *'] } },
    },
    limits: { ...LIMITS, ...limits },
  };
  const text = [
    '// Written by `npm run local -- up`; changes are lost with the next one.',
    `import { defineConfig } from ${JSON.stringify(DEFINE_CONFIG)};`,
    '',
    `export default defineConfig(${JSON.stringify(config, null, 2)});`,
    '',
  ].join('\n');
  const file = configFile(stateDir);
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
