/** Expires one point and removes what only it named: `node expire-and-collect.ts <dist> <url> <key file> <point>` */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openBenchVault } from './open-bench-vault.ts';

const { vault, signal, argument: pointId, dist } = await openBenchVault({ roles: ['meta', 'control'] });
const at = (file: string) => pathToFileURL(join(dist, 'vault', file)).href;
const { expirePoint }: typeof import('../../src/vault/expiry/expire-point.ts') = await import(
  at('expiry/expire-point.js')
);
const { surveyVault }: typeof import('../../src/vault/collect/survey.ts') = await import(at('collect/survey.js'));
const { planCollection }: typeof import('../../src/vault/collect/plan-collection.ts') = await import(
  at('collect/plan-collection.js')
);
const { executePlan }: typeof import('../../src/vault/collect/execute-plan.ts') = await import(
  at('collect/execute-plan.js')
);

await expirePoint({ vault, pointId, reason: 'half of the points', signal });
const request = { vault, isDead: async () => undefined, signal };
const gcId = `${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${randomBytes(4).toString('hex')}`;
// No rest between plan and execution: nobody is there to look at it.
const common = { vault, gcId, toolVersion: 'bench', signal };
await planCollection({ ...common, survey: await surveyVault(request), restMs: 0 });
const report = await executePlan({ ...common, survey: await surveyVault(request) });
await vault.close();
process.stdout.write(`${JSON.stringify(report.removed)}\n`);
