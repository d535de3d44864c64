import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError } from '../cloud-error.ts';
import type { KeyRecord } from '../records.ts';
import { type JsonOperation, jsonOperation } from '../wire/json-service.ts';
import { ALIAS_OPERATIONS } from './aliases.ts';
import { makeKey } from './find-key.ts';
import { changeableKey, requireKey, requireKeyItself, usableKey } from './key-access.ts';
import { type EncryptionContext, invalidCiphertext, keyIdOf, seal, unseal } from './sealing.ts';

/** Not `z.record`, which leaves out a key `__proto__`: a ciphertext would open without it. */
const Context = z.custom<EncryptionContext>(isTextMap, 'pairs of texts').default({});
const Blob = z.base64().transform((text) => Buffer.from(text, 'base64'));
const KeyOnly = z.strictObject({ KeyId: z.string() });
const DAY_MS = 86_400_000;

export const KMS_OPERATIONS: Readonly<Record<string, JsonOperation>> = {
  CreateKey: jsonOperation(
    z.strictObject({
      Description: z.string().default(''),
      KeyUsage: z.literal('ENCRYPT_DECRYPT').optional(),
      KeySpec: z.literal('SYMMETRIC_DEFAULT').optional(),
      Tags: z.array(z.strictObject({ TagKey: z.string(), TagValue: z.string() })).default([]),
    }),
    (cloud, input) => {
      const tags = Object.fromEntries(input.Tags.map(({ TagKey, TagValue }) => [TagKey, TagValue]));
      const key = makeKey(cloud, { description: input.Description, tags });
      return { KeyMetadata: metadata(cloud, key) };
    },
  ),
  DescribeKey: jsonOperation(KeyOnly, (cloud, { KeyId }) => ({
    KeyMetadata: metadata(cloud, requireKey(cloud, KeyId)),
  })),
  ListKeys: jsonOperation(
    z.strictObject({ Limit: z.int().min(1).max(1_000).default(100), Marker: z.string().default('') }),
    (cloud, { Limit, Marker }) => {
      const byId = cloud.db.keys.all().sort((a, b) => (a.id < b.id ? -1 : 1));
      const left = byId.filter(({ id }) => id > Marker);
      const page = left.slice(0, Limit);
      const Truncated = left.length > page.length;
      const Keys = page.map(({ id, arn }) => ({ KeyId: id, KeyArn: arn }));
      return { Keys, Truncated, ...(Truncated && { NextMarker: page.at(-1)?.id }) };
    },
  ),
  // Nothing rotates keys here.
  GetKeyRotationStatus: jsonOperation(KeyOnly, (cloud, { KeyId }) => ({
    KeyId: requireKeyItself(cloud, KeyId).arn,
    KeyRotationEnabled: false,
  })),
  ListResourceTags: jsonOperation(
    z.strictObject({ KeyId: z.string(), Limit: z.int().min(1).max(50).optional(), Marker: z.undefined().optional() }),
    (cloud, { KeyId }) => {
      const tags = Object.entries(requireKeyItself(cloud, KeyId).tags); // at most 50, one page
      return { Tags: tags.map(([TagKey, TagValue]) => ({ TagKey, TagValue })), Truncated: false };
    },
  ),
  EnableKey: jsonOperation(KeyOnly, (cloud, { KeyId }) => setState(cloud, KeyId, 'Enabled')),
  DisableKey: jsonOperation(KeyOnly, (cloud, { KeyId }) => setState(cloud, KeyId, 'Disabled')),
  ScheduleKeyDeletion: jsonOperation(
    z.strictObject({ KeyId: z.string(), PendingWindowInDays: z.int().min(7).max(30).default(30) }),
    (cloud, { KeyId, PendingWindowInDays }) => {
      const key = changeableKey(cloud, KeyId);
      const deletionAt = cloud.now() + PendingWindowInDays * DAY_MS;
      cloud.db.keys.update(key.id, { state: 'PendingDeletion', deletionAt });
      return { KeyId: key.arn, DeletionDate: deletionAt / 1_000, KeyState: 'PendingDeletion', PendingWindowInDays };
    },
  ),
  Encrypt: jsonOperation(
    z.strictObject({
      KeyId: z.string(),
      Plaintext: Blob,
      EncryptionContext: Context,
      EncryptionAlgorithm: z.literal('SYMMETRIC_DEFAULT').optional(),
    }),
    (cloud, { KeyId, Plaintext, EncryptionContext }) => {
      const key = usableKey(cloud, KeyId);
      if (Plaintext.length > 4_096) throw new CloudError('ValidationException', 'Plaintext has at most 4096 bytes');
      return {
        CiphertextBlob: seal(key, Plaintext, EncryptionContext).toString('base64'),
        KeyId: key.arn,
        EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      };
    },
  ),
  Decrypt: jsonOperation(
    z.strictObject({
      CiphertextBlob: Blob,
      EncryptionContext: Context,
      KeyId: z.string().optional(),
      EncryptionAlgorithm: z.literal('SYMMETRIC_DEFAULT').optional(),
    }),
    (cloud, { CiphertextBlob, EncryptionContext, KeyId }) => {
      const keyId = keyIdOf(CiphertextBlob);
      // Keys are never gone, so bytes that name none were damaged.
      if (cloud.db.keys.get(keyId) === undefined) throw invalidCiphertext();
      const key = usableKey(cloud, keyId);
      if (KeyId !== undefined && requireKey(cloud, KeyId).id !== key.id) {
        throw new CloudError('IncorrectKeyException', `The ciphertext was made with another key than ${KeyId}`);
      }
      const plaintext = unseal(key, CiphertextBlob, EncryptionContext);
      return { Plaintext: plaintext.toString('base64'), KeyId: key.arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' };
    },
  ),
  GenerateDataKey: jsonOperation(dataKeyInput(), (cloud, input) => newDataKey(cloud, input, true)),
  GenerateDataKeyWithoutPlaintext: jsonOperation(dataKeyInput(), (cloud, input) => newDataKey(cloud, input, false)),
  ...ALIAS_OPERATIONS,
};

function dataKeyInput() {
  return z
    .strictObject({
      KeyId: z.string(),
      EncryptionContext: Context,
      KeySpec: z.enum(['AES_256', 'AES_128']).optional(),
      NumberOfBytes: z.int().min(1).max(1_024).optional(),
    })
    .refine(
      (input) => (input.KeySpec === undefined) !== (input.NumberOfBytes === undefined),
      'exactly one of KeySpec and NumberOfBytes',
    );
}

function newDataKey(cloud: Cloud, input: z.output<ReturnType<typeof dataKeyInput>>, withPlaintext: boolean) {
  const key = usableKey(cloud, input.KeyId);
  const plaintext = randomBytes(input.NumberOfBytes ?? (input.KeySpec === 'AES_128' ? 16 : 32));
  const blob = seal(key, plaintext, input.EncryptionContext).toString('base64');
  return { KeyId: key.arn, CiphertextBlob: blob, ...(withPlaintext && { Plaintext: plaintext.toString('base64') }) };
}

function isTextMap(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((text) => typeof text === 'string');
}

function setState(cloud: Cloud, keyId: string, state: 'Enabled' | 'Disabled'): undefined {
  cloud.db.keys.update(changeableKey(cloud, keyId).id, { state });
}

function metadata({ settings }: Cloud, key: KeyRecord): object {
  return {
    AWSAccountId: settings.accountId,
    KeyId: key.id,
    Arn: key.arn,
    CreationDate: key.createdAt / 1_000,
    Enabled: key.state === 'Enabled',
    Description: key.description,
    KeyUsage: 'ENCRYPT_DECRYPT',
    KeyState: key.state,
    ...(key.deletionAt !== undefined && { DeletionDate: key.deletionAt / 1_000 }),
    Origin: 'AWS_KMS',
    KeyManager: key.manager ?? 'CUSTOMER',
    KeySpec: 'SYMMETRIC_DEFAULT',
    EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
    MultiRegion: false,
  };
}
