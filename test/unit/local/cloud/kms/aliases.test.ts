import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../../../../local/cloud/cloud.ts';
import { ebsService } from '../../../../../local/cloud/ebs/service.ts';
import { ask, askEc2, askKms, cloudInProcess, readElement } from '../../../../support/cloud-in-process.ts';

const home = cloudInProcess();
let cloud: Cloud;
beforeAll(async () => {
  cloud = await home.open();
  await kms('CreateAlias', { AliasName: 'alias/taken', TargetKeyId: (await newKey()).KeyId });
});
afterAll(() => home.end());

const kms = (action: string, input: object) => askKms(cloud, action, input);

async function newKey(): Promise<{ readonly KeyId: string; readonly Arn: string }> {
  return (await kms('CreateKey', {})).KeyMetadata;
}

async function startSnapshot(input: object): Promise<string> {
  const body = Buffer.from(JSON.stringify({ VolumeSize: 1, ...input }));
  return JSON.parse(String((await ask(ebsService, cloud, { path: '/snapshots', body })).body)).SnapshotId;
}

const createVolume = (fields: Readonly<Record<string, string>>) =>
  askEc2(cloud, { Action: 'CreateVolume', AvailabilityZone: 'local-1a', Size: '1', Encrypted: 'true', ...fields });

test('a key is used by its alias and the ARN of that, after a restart too, and by what the alias names next', async () => {
  const [first, second] = [await newKey(), await newKey()];
  const AliasName = 'alias/vault/a_b-1';
  await kms('CreateAlias', { AliasName, TargetKeyId: first.KeyId });
  cloud = await home.open();
  const byArn = first.Arn.replace(/key\/.*/, AliasName);
  for (const KeyId of [AliasName, byArn]) {
    expect((await kms('DescribeKey', { KeyId })).KeyMetadata.Arn).toBe(first.Arn);
    expect((await kms('GenerateDataKey', { KeyId, NumberOfBytes: 32 })).KeyId).toBe(first.Arn);
    expect(readElement(await createVolume({ KmsKeyId: KeyId }), 'kmsKeyId')).toBe(first.Arn);
  }
  const { CiphertextBlob } = await kms('Encrypt', { KeyId: AliasName, Plaintext: 'AAAA' });
  await kms('UpdateAlias', { AliasName, TargetKeyId: second.Arn });
  expect((await kms('DescribeKey', { KeyId: AliasName })).KeyMetadata.KeyId).toBe(second.KeyId);
  expect(await kms('Decrypt', { CiphertextBlob })).toMatchObject({ Plaintext: 'AAAA', KeyId: first.Arn });
  await expect(kms('Decrypt', { CiphertextBlob, KeyId: AliasName })).rejects.toMatchObject({
    code: 'IncorrectKeyException',
  });
  await kms('DeleteAlias', { AliasName });
  await expect(kms('DescribeKey', { KeyId: AliasName })).rejects.toMatchObject({ code: 'NotFoundException' });
});

test('aliases are listed by name, a page at a time, and those of one key alone', async () => {
  const key = await newKey();
  const names = ['alias/a', 'alias/b', 'alias/c'];
  for (const AliasName of names.toReversed()) await kms('CreateAlias', { AliasName, TargetKeyId: key.KeyId });
  await kms('CreateAlias', { AliasName: 'alias/other', TargetKeyId: (await newKey()).KeyId });
  const first = await kms('ListAliases', { KeyId: key.KeyId, Limit: 2 });
  expect(first.Aliases.map(({ AliasName }: { AliasName: string }) => AliasName)).toEqual(names.slice(0, 2));
  const rest = await kms('ListAliases', { KeyId: key.Arn, Marker: first.NextMarker });
  expect(rest).toMatchObject({ Truncated: false, Aliases: [{ AliasName: 'alias/c', TargetKeyId: key.KeyId }] });
});

test.each([
  { what: 'a name that is taken', AliasName: 'alias/taken', code: 'AlreadyExistsException' },
  { what: "a name of AWS's own", AliasName: 'alias/aws/mine', code: 'NotAuthorizedException' },
  { what: 'a name without alias/', AliasName: 'mine', code: 'ValidationException' },
  { what: 'a name with other characters', AliasName: 'alias/a b', code: 'ValidationException' },
  { what: 'another alias as its key', AliasName: 'alias/x', target: 'alias/taken', code: 'NotFoundException' },
])('no alias is made of $what', async ({ AliasName, target, code }) => {
  const TargetKeyId = target ?? (await newKey()).KeyId;
  await expect(kms('CreateAlias', { AliasName, TargetKeyId })).rejects.toMatchObject({ code });
});

test.each(['DisableKey', 'EnableKey', 'ScheduleKeyDeletion'])('%s takes no alias', async (action) => {
  const { KeyId } = await newKey();
  const AliasName = `alias/of-${action}`;
  await kms('CreateAlias', { AliasName, TargetKeyId: KeyId });
  await expect(kms(action, { KeyId: AliasName })).rejects.toMatchObject({ code: 'NotFoundException' });
  expect((await kms('DescribeKey', { KeyId })).KeyMetadata.KeyState).toBe('Enabled');
});

test("what names no key is encrypted with EBS's own, which only EBS uses and nobody changes", async () => {
  const snapshotId = await startSnapshot({ Encrypted: true });
  const { KeyMetadata } = await kms('DescribeKey', { KeyId: 'alias/aws/ebs' });
  expect(KeyMetadata).toMatchObject({ KeyManager: 'AWS', KeyState: 'Enabled' });
  expect(cloud.db.snapshots.get(snapshotId)).toMatchObject({ encrypted: true, kmsKeyArn: KeyMetadata.Arn });
  expect(readElement(await createVolume({}), 'kmsKeyId')).toBe(KeyMetadata.Arn);
  const { KeyId } = KeyMetadata;
  for (const [action, input] of [
    ['Encrypt', { KeyId, Plaintext: 'AAAA' }],
    ['GenerateDataKey', { KeyId: 'alias/aws/ebs', NumberOfBytes: 32 }],
    ['DisableKey', { KeyId }],
    ['ScheduleKeyDeletion', { KeyId }],
    ['CreateAlias', { AliasName: 'alias/of-ebs', TargetKeyId: KeyId }],
  ] as const)
    await expect(kms(action, input), action).rejects.toMatchObject({ code: 'AccessDeniedException' });
});
