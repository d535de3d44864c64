import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { labEnv, shellExports, withLabEnv } from '../../../../local/up/lab-env.ts';
import type { LabStatus } from '../../../../local/up/lab-status.ts';

const AT = 'http://127.0.0.1:4000';
const STATUS: LabStatus = {
  schema: 'understudy.local/1',
  state: 'up',
  aws: {
    region: 'local-1',
    accountId: '000000000000',
    accessKeyId: 'AKIAADMIN',
    secretAccessKey: 'admin-secret',
    roles: {
      control: { accessKeyId: 'AKIACONTROL', secretAccessKey: 'control-secret' },
      mover: { accessKeyId: 'AKIAMOVER', secretAccessKey: 'mover-secret' },
    },
    endpoints: { ec2: AT, ebs: AT, ssm: AT, kms: AT, sts: AT, s3: 'http://127.0.0.1:4001' },
  },
  control: 'http://127.0.0.1:4002',
  temporal: { address: '127.0.0.1:7233', namespace: 'default', ui: null },
  vault: { url: 's3://b/p', kmsKeyId: 'key' },
  isolation: { vpcId: 'vpc-1', subnetId: 'subnet-1', verifySubnetId: 'subnet-2', securityGroupId: 'sg-1' },
  production: {
    instanceId: 'i-1',
    volumeIds: ['vol-1', 'vol-2'],
    applications: [
      { name: 'postgresql', host: '127.0.0.1', port: 5432, user: 'app', database: 'bank' },
      { name: 'redis', host: '127.0.0.1', port: 6379 },
    ],
  },
  stateDir: "/tmp/it's here",
};

test('each role gets its own credentials and nobody gets another one', () => {
  const secrets = ([undefined, 'control', 'mover'] as const).map((role) => labEnv(STATUS, 'id', role));
  expect(secrets.map(({ AWS_ACCESS_KEY_ID }) => AWS_ACCESS_KEY_ID)).toEqual(['AKIAADMIN', 'AKIACONTROL', 'AKIAMOVER']);
  expect(JSON.stringify(secrets[2])).not.toContain('control-secret');
});

test('a shell that evaluates the exports has every value exactly, and nothing that would win over them', () => {
  const script = `${shellExports(labEnv(STATUS, 'the-id'))}env`;
  const caller = {
    PATH: process.env.PATH,
    AWS_PROFILE: 'mine',
    AWS_DEFAULT_REGION: 'old',
    AWS_SESSION_TOKEN: 'old',
    TEMPORAL_API_KEY: 'k',
  };
  const lines = execFileSync('sh', ['-c', script], { encoding: 'utf8', env: caller }).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      `AWS_ENDPOINT_URL_EC2=${AT}`,
      'AWS_ENDPOINT_URL_S3=http://127.0.0.1:4001',
      'AWS_REGION=local-1',
      'AWS_DEFAULT_REGION=local-1', // boto3 reads no other
      'TEMPORAL_ADDRESS=127.0.0.1:7233',
      'TEMPORAL_NAMESPACE=default',
      "UNDERSTUDY_CONFIG=/tmp/it's here/temporal.config.ts",
      'UNDERSTUDY_DEPLOYMENT_ID=the-id',
    ]),
  );
  expect(lines.filter((line) => /^(AWS_PROFILE|AWS_SESSION_TOKEN|TEMPORAL_API_KEY)=/.test(line))).toEqual([]);
});

test("a child's environment keeps what is the caller's and loses what would point elsewhere", () => {
  const env = withLabEnv({ HOME: '/home/me', AWS_PROFILE: 'mine', AWS_REGION: 'eu-1' }, { AWS_REGION: 'local-1' });
  expect(env).toEqual({ HOME: '/home/me', AWS_REGION: 'local-1' });
});
