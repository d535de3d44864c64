import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DescribeImagesCommand, RunInstancesCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { DescribeKeyCommand, DisableKeyCommand, EnableKeyCommand } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { adoptS3 } from '../../local/servers/s3.ts';
import { readMachine } from '../../local/up/cloud-control.ts';
import { ensureS3 } from '../../local/up/lab-servers.ts';
import { must } from '../../local/up/named.ts';
import type { BackupRequest, RunFailed } from '../../src/client/index.ts';
import { putDenials } from '../support/denials.ts';
import { openTestLab, type TestLab } from '../support/test-lab.ts';
import { vaultFolder } from '../support/vault-files.ts';
import { waitFor } from '../support/wait-for.ts';

let lab: TestLab;
beforeAll(async () => {
  lab = await openTestLab();
});
afterAll(async () => lab?.[Symbol.asyncDispose]());

test('an id that no instance has is refused by name', async () => {
  const failure = await refused({ instanceId: 'i-0000000000000dead' });
  expect(failure.code).toBe('InstanceNotFound');
  expect(failure.message).toContain('i-0000000000000dead');
});

test('a vault whose bucket is gone refuses the run and says which, before production is captured', async () => {
  const bucket = dirname(vaultFolder(lab.lab));
  await rename(bucket, `${bucket}.away`);
  const failure = await refused().finally(() => rename(`${bucket}.away`, bucket));
  expect(failure.message).toContain(lab.lab.plan.bucket);
});

test('a vault that does not answer refuses the run after half a minute, and the next one starts', async () => {
  const { plan, status } = lab.lab;
  await must(adoptS3(status.stateDir), 'the S3 server').stop();
  const again = () => ensureS3({ stateDir: status.stateDir, plan, detached: true, cloud: {} });
  const failure = await refused().finally(again);
  expect(failure.code).toBe('PreflightRefused');
  expect(failure.message).toContain('did not answer');
  expect(failure.message).toContain(status.vault.url);
});

test('a key that is disabled refuses the run and says which', async () => {
  const { kmsKeyId } = lab.lab.status.vault;
  const { KeyMetadata } = await lab.aws.kms.send(new DescribeKeyCommand({ KeyId: kmsKeyId }));
  const KeyId = must(KeyMetadata?.KeyId, 'KeyId'); // neither call takes an alias
  await lab.aws.kms.send(new DisableKeyCommand({ KeyId }));
  const failure = await refused().finally(() => lab.aws.kms.send(new EnableKeyCommand({ KeyId })));
  expect(failure.message).toContain(kmsKeyId);
  expect(failure.message).toMatch(/enable/i);
});

test('a missing permission on production refuses the run with what to grant', async () => {
  const undo = await putDenials(lab, [{ actions: ['ec2:CreateSnapshots'] }]);
  const failure = await refused().finally(undo);
  expect(failure.code).toBe('PreflightRefused');
  expect(failure.message).toMatch(/CreateSnapshots/);
});

test('instance store is refused by name, with the word that accepts it', async () => {
  const machine = await launchWithInstanceStore();
  const failure = await refused({ instanceId: machine.instanceId }).finally(machine.end);
  expect(failure.code).toBe('PreflightRefused');
  expect(failure.message).toMatch(/instance-store.*accept/s);
});

/** The run's failure; none of them may have captured or made anything. */
async function refused(request: Partial<BackupRequest> = {}): Promise<RunFailed> {
  const mark = await lab.mark();
  const failure = await lab.refusal(await lab.start(request));
  const made = (await lab.callsSince(mark)).filter(({ accessKeyId, action, dryRun }) => {
    const byProduct = accessKeyId !== lab.lab.plan.keys.admin.accessKeyId;
    return byProduct && !dryRun && /^(Create|Run|Register|Start)/.test(action);
  });
  expect(made).toEqual([]);
  return failure;
}

/** Its machine never has to boot: preflight asks the account. */
async function launchWithInstanceStore() {
  const { aws, lab: running } = lab;
  const { Images = [] } = await aws.ec2.send(new DescribeImagesCommand({ Owners: ['self'] }));
  const guest = must(
    Images.find(({ Name }) => Name?.startsWith('guest-')),
    'the guest image',
  );
  const { Instances = [] } = await aws.ec2.send(
    new RunInstancesCommand({
      ImageId: guest.ImageId,
      InstanceType: 'm5d.large',
      MinCount: 1,
      MaxCount: 1,
      SubnetId: running.status.isolation.subnetId,
      SecurityGroupIds: [running.status.isolation.securityGroupId],
    }),
  );
  const instanceId = must(Instances[0]?.InstanceId, 'InstanceId');
  const isRunning = async () =>
    (await readMachine(running.status.control, instanceId)).state === 'running' ? true : undefined;
  await waitFor(isRunning, { limitMs: 60_000, what: `${instanceId} runs` });
  return { instanceId, end: () => aws.ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] })) };
}
