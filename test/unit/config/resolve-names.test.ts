import { expect, test } from 'vitest';
import { defineConfig } from '../../../src/config/index.ts';
import { resolveFolder, resolvePlace, resolvePlan, resolveRecipes } from '../../../src/config/resolve-names.ts';

const config = defineConfig({
  vaults: { main: { url: 's3://bucket', kmsKeyId: 'alias/vault' } },
  isolation: { sealed: { vpcId: 'vpc-1', subnetId: 'subnet-1', verifySubnetId: 'subnet-2', securityGroupId: 'sg-1' } },
});

test.each([
  { what: 'a recipe', resolve: (name: string) => resolveRecipes(config, [name]) },
  { what: 'a plan', resolve: (name: string) => resolvePlan(config, name) },
  { what: 'a folder', resolve: (name: string) => resolveFolder(config, name) },
  { what: 'a place', resolve: (name: string) => resolvePlace(config, { to: 'volumes', into: name }) },
])('$what that nobody configured is unknown, also where every object has that name', ({ resolve }) => {
  expect(() => resolve('constructor')).toThrow(/"constructor" is not in the configuration \(defined: /);
});
