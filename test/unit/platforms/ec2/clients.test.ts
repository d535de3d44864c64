import { GetSnapshotBlockCommand } from '@aws-sdk/client-ebs';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { DescribeKeyCommand } from '@aws-sdk/client-kms';
import { ListCommandsCommand } from '@aws-sdk/client-ssm';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { createEc2Clients } from '../../../../src/platforms/ec2/clients.ts';
import { createKmsClient } from '../../../../src/vault/kms/kms-keys.ts';
import { hurryTimeouts, startSilentServer } from '../../../support/odd-server.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

test('an answer of which nothing more comes is given up by every client, as one that never began', async () => {
  const server = await startSilentServer();
  onTestFinished(() => server.close());
  vi.stubEnv('AWS_ENDPOINT_URL', server.endpoint);
  vi.stubEnv('AWS_REGION', 'local-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
  hurryTimeouts(100);
  const { ec2Once, ebs, ssmOnce } = createEc2Clients();
  const kms = createKmsClient();
  const block = new GetSnapshotBlockCommand({ SnapshotId: 'snap-1', BlockIndex: 0, BlockToken: 't' });
  const ends = await Promise.allSettled([
    ebs.send(block).then(({ BlockData }) => BlockData?.transformToByteArray()),
    ec2Once.send(new DescribeInstancesCommand({})),
    ssmOnce.send(new ListCommandsCommand({})),
    kms.send(new DescribeKeyCommand({ KeyId: 'k' })),
  ]);
  expect(ends.map((end) => end.status === 'rejected' && end.reason.name)).toEqual(ends.map(() => 'TimeoutError'));
});
