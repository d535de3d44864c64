import { readFile, writeFile } from 'node:fs/promises';
import { configFile } from '../../local/up/lab-env.ts';
import type { IsolatedNetwork } from '../../local/up/networks.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { TestLab } from './test-lab.ts';

/**
 * Isolation profiles beside the lab's own, for the rest of this test file: the next one that opens the lab writes the
 * configuration anew. Workers read it once, so both are started again.
 */
export async function addIsolationProfiles(
  lab: TestLab,
  profiles: Readonly<Record<string, IsolatedNetwork>>,
  changes: Partial<ConfigInput['isolation'][string]> = {},
): Promise<void> {
  const file = configFile(lab.lab.status.stateDir);
  const text = await readFile(file, 'utf8');
  const json = /defineConfig\((\{[\s\S]*\})\);/.exec(text)?.[1];
  if (json === undefined) throw new Error(`${file} is not the configuration that the lab writes`);
  const config: ConfigInput = JSON.parse(json);
  const own = config.isolation.lab;
  if (!own) throw new Error(`${file} defines no isolation profile "lab"`);
  for (const [name, { vpcId, subnetId, verifySubnetId, securityGroupId }] of Object.entries(profiles)) {
    config.isolation[name] = { ...own, ...changes, vpcId, subnetId, verifySubnetId, securityGroupId };
  }
  config.defaults = { ...config.defaults, isolation: 'lab' };
  await writeFile(
    file,
    text.replace(json, () => JSON.stringify(config, null, 2)),
  );
  for (const role of ['control', 'mover'] as const) {
    await lab.killWorker(role);
    await lab.restartWorker(role);
  }
}
