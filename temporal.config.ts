import { defineConfig } from './src/config/index.ts';

/**
 * An example with every part. In a project that has Understudy as a package, import from 'understudy/config'.
 * No address and no credential stands here: Temporal's come from TEMPORAL_… variables or `temporal.toml`, AWS's from the
 * standard chain.
 */
export default defineConfig({
  vaults: {
    main: { url: 's3://my-recovery-points/production', kmsKeyId: 'alias/understudy-vault' },
  },
  isolation: {
    // A VPC without gateways, endpoints and name resolution; `understudy backup` proves it before every run.
    sealed: {
      vpcId: 'vpc-0123456789abcdef0',
      subnetId: 'subnet-0123456789abcdef0',
      verifySubnetId: 'subnet-0123456789abcdef1',
      securityGroupId: 'sg-0123456789abcdef0',
      fallbackInstanceTypes: ['m7i.large', 'm6i.large'],
    },
  },
  recipes: { postgresql: {}, redis: {} },
  plans: {
    nightly: {
      select: { tags: { backup: 'nightly' } },
      schedule: { cron: ['30 2 * * *'], timezone: 'UTC', jitter: '30m' },
      request: { atLeast: 'clean-shutdown', verify: true },
      atATime: 4,
    },
  },
});
