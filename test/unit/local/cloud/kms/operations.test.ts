import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../../../../local/cloud/cloud.ts';
import { askKms, cloudInProcess } from '../../../../support/cloud-in-process.ts';

const home = cloudInProcess();
let cloud: Cloud;
let KeyId: string;
beforeAll(async () => {
  cloud = await home.open();
  KeyId = (await kms('CreateKey', {})).KeyMetadata.KeyId;
});
afterAll(() => home.end());

const kms = (action: string, input: object) => askKms(cloud, action, input);

test('a ciphertext with any of its bytes damaged is an invalid ciphertext, those that name its key too', async () => {
  const { CiphertextBlob } = await kms('Encrypt', { KeyId, Plaintext: 'AAAA' });
  const blob = Buffer.from(CiphertextBlob, 'base64');
  for (const at of blob.keys()) {
    for (const bit of [0x01, 0x80]) {
      const damaged = Buffer.from(blob);
      damaged[at] = (damaged[at] ?? 0) ^ bit;
      await expect(kms('Decrypt', { CiphertextBlob: damaged.toString('base64') }), `byte ${at}`).rejects.toMatchObject({
        code: 'InvalidCiphertextException',
      });
    }
  }
});

test('a key whose deletion is scheduled cannot be scheduled again, which would put it off', async () => {
  const key = { KeyId: (await kms('CreateKey', {})).KeyMetadata.KeyId };
  const { DeletionDate } = await kms('ScheduleKeyDeletion', { ...key, PendingWindowInDays: 7 });
  await expect(kms('ScheduleKeyDeletion', key)).rejects.toMatchObject({ code: 'KMSInvalidStateException' });
  expect((await kms('DescribeKey', key)).KeyMetadata).toMatchObject({ DeletionDate, KeyState: 'PendingDeletion' });
});

test.each(['a', 'constructor', '__proto__'])('a ciphertext opens only with the "%s" of its context', async (name) => {
  const context = (value: string) => JSON.parse(`{"EncryptionContext":{"${name}":"${value}"}}`);
  const { CiphertextBlob } = await kms('Encrypt', { KeyId, Plaintext: 'AAAA', ...context('1') });
  expect(await kms('Decrypt', { CiphertextBlob, ...context('1') })).toMatchObject({ Plaintext: 'AAAA' });
  for (const other of [{}, context('2')]) {
    await expect(kms('Decrypt', { CiphertextBlob, ...other })).rejects.toMatchObject({
      code: 'InvalidCiphertextException',
    });
  }
  await expect(kms('Decrypt', { CiphertextBlob, EncryptionContext: { a: 1 } })).rejects.toMatchObject({
    code: 'ValidationException',
  });
});

test('every key is listed once over all pages, and shows the tags it was made with', async () => {
  const made = await kms('CreateKey', { Tags: [{ TagKey: 'for', TagValue: 'backups' }] });
  const listed: string[] = [];
  for (
    let page = await kms('ListKeys', { Limit: 1 });
    ;
    page = await kms('ListKeys', { Limit: 1, Marker: page.NextMarker })
  ) {
    listed.push(...page.Keys.map((key: { KeyId: string }) => key.KeyId));
    if (!page.Truncated) break;
  }
  expect(listed).toEqual(
    cloud.db.keys
      .all()
      .map(({ id }) => id)
      .sort(),
  );
  const tags = await kms('ListResourceTags', { KeyId: made.KeyMetadata.KeyId });
  expect(tags).toEqual({ Tags: [{ TagKey: 'for', TagValue: 'backups' }], Truncated: false });
});
