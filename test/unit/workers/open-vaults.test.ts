import { expect, test } from 'vitest';
import { defineConfig } from '../../../src/config/index.ts';
import { openVaults } from '../../../src/workers/open-vaults.ts';

test('a vault that is still failing to open keeps no worker from its end', async () => {
  const config = defineConfig({
    vaults: { gone: { url: 'file:///nonexistent/vault', kmsKeyId: 'file:/nonexistent/key' } },
    isolation: {
      sealed: { vpcId: 'vpc-1', subnetId: 'subnet-1', verifySubnetId: 'subnet-2', securityGroupId: 'sg-1' },
    },
  });
  const vaults = openVaults({ config, roles: ['meta'], log: () => {} });
  const opening = vaults.open('gone', new AbortController().signal).then(
    () => 'opened',
    () => 'failed',
  );
  await vaults.close();
  expect(await opening).toBe('failed');
});
