import {
  CreateAliasCommand,
  CreateKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  ScheduleKeyDeletionCommand,
  UpdateAliasCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { addRecipient, initVault, listKeys, openVault, openVolume, rotateKeys } from '../../../src/vault/index.ts';
import type { KeyService, RootPurpose } from '../../../src/vault/key-service.ts';
import { createKmsKeyService } from '../../../src/vault/kms/kms-keys.ts';
import { PURPOSES } from '../../../src/vault/new-epoch.ts';
import type { Vault } from '../../../src/vault/vault.ts';
import { backUp, CONTROL, fixedClock, MOVER, NEVER, RUN_ID, testVault } from '../../support/vault-fixture.ts';
import { ageIdentity } from '../../support/vault-keys.ts';
import { type MemoryStore, memoryStore } from '../../support/vault-memory-store.ts';
import { seededBytes } from '../../support/vault-random.ts';
import { testVolume, text } from '../../support/vault-volume.ts';
import { type CloudUnderTest, must, ROOT_KEY, startCloudUnderTest } from '../local/cloud/cloud-under-test.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const SECOND = '20261124T023107Z-9f2c0002';
const volumes = () => ({ 'vol-1': testVolume(4, new Map([[3, text('row')]])) });
let cloud: CloudUnderTest;

beforeAll(async () => {
  cloud = await startCloudUnderTest();
});
afterAll(() => cloud?.end());

async function newKey(): Promise<{ readonly keyId: string; readonly arn: string; readonly service: KeyService }> {
  const { KeyMetadata } = await cloud.kms.send(new CreateKeyCommand({}));
  const keyId = must(KeyMetadata?.KeyId, 'KeyId');
  return { keyId, arn: must(KeyMetadata?.Arn, 'Arn'), service: createKmsKeyService(cloud.kms, keyId) };
}

function open(store: MemoryStore, keys: KeyService, roles: readonly RootPurpose[] = MOVER): Promise<Vault> {
  return openVault({ store, keys, roles, clock: fixedClock, randomBytes: seededBytes('open'), signal: NEVER });
}

async function readBlocks(store: MemoryStore, keys: KeyService, pointId = RUN_ID): Promise<number[]> {
  const vault = await open(store, keys);
  const volume = await openVolume({ vault, pointId, volumeId: 'vol-1', signal: NEVER });
  const found: number[] = [];
  for await (const { index } of volume.blocks({ from: 0, to: 4 }, NEVER)) found.push(index);
  await vault.close();
  return found;
}

async function deny(actions: readonly string[]): Promise<void> {
  const { accessKeyId } = ROOT_KEY;
  const body = JSON.stringify(actions.length > 0 ? [{ accessKeyId, actions }] : []);
  const answer = await fetch(`${cloud.cloud.control}/v1/denials`, { method: 'PUT', body });
  expect(answer.ok).toBe(true);
}

test('a vault whose KMS key is disabled, denied or deleted says which, and opens with the age identity all the while', async () => {
  const store = memoryStore();
  const { keyId, arn, service } = await newKey();
  const identity = await ageIdentity();
  const made = { store, keys: service, clock: fixedClock, randomBytes: seededBytes('kms'), signal: NEVER };
  await initVault({ ...made, recipients: [identity.recipient] });
  await backUp(await testVault({ store, keys: service }), volumes());

  await cloud.kms.send(new DisableKeyCommand({ KeyId: keyId }));
  await expect(open(store, service)).rejects.toThrow(
    new RegExp(`DisabledException .*enable it again.* wrapped for kms ${arn}, age ${identity.recipient.keyId}$`),
  );
  expect(await readBlocks(store, identity.service)).toEqual([3]);
  await cloud.kms.send(new EnableKeyCommand({ KeyId: keyId }));
  expect(await readBlocks(store, service)).toEqual([3]);

  await deny(['kms:Decrypt']);
  await expect(open(store, service)).rejects.toThrow(/AccessDeniedException .*understudy:purpose = data/);
  expect(await readBlocks(store, identity.service)).toEqual([3]);
  await deny([]);

  await cloud.kms.send(new ScheduleKeyDeletionCommand({ KeyId: keyId, PendingWindowInDays: 7 }));
  await expect(open(store, service)).rejects.toThrow(/KMSInvalidStateException .*cancel the deletion today/);
  expect(await readBlocks(store, identity.service)).toEqual([3]);
});

test('a vault moves to another KMS key: added to what there is, then alone in the new epoch', async () => {
  const store = memoryStore();
  const [first, second] = [await newKey(), await newKey()];
  const made = { store, clock: fixedClock, randomBytes: seededBytes('kms'), signal: NEVER };
  await initVault({ ...made, keys: first.service });
  await backUp(await testVault({ store, keys: first.service }), volumes());
  const all = await testVault({ store, keys: first.service, roles: PURPOSES });
  const added = await addRecipient({ vault: all, recipient: second.service, withControl: true, signal: NEVER });
  expect(added).toEqual({ id: second.arn, objects: ['keys/1-2.json'] });
  // Asked for by id and noted by ARN: it is known the second time, too.
  expect(await addRecipient({ vault: all, recipient: second.service, withControl: true, signal: NEVER })).toMatchObject(
    { objects: [] },
  );

  const control = await testVault({ store, keys: second.service, roles: CONTROL });
  const openRecipient = (kind: string, id: string) => (kind === 'kms' ? createKmsKeyService(cloud.kms, id) : undefined);
  const asked = { vault: control, service: second.service, openRecipient, without: [first.arn], signal: NEVER };
  expect(await rotateKeys(asked)).toMatchObject({
    epoch: 2,
    created: true,
    recipients: [{ kind: 'kms', id: second.arn }],
  });
  await cloud.kms.send(new DisableKeyCommand({ KeyId: first.keyId }));
  await backUp(await testVault({ store, keys: second.service }), volumes(), { runId: SECOND });
  for (const pointId of [RUN_ID, SECOND]) expect(await readBlocks(store, second.service, pointId)).toEqual([3]);
  const { epochs } = await listKeys({ store, signal: NEVER });
  expect(epochs.map(({ recipients }) => recipients.map(({ id }) => id))).toEqual([
    [first.arn, second.arn],
    [second.arn],
  ]);
});

test('a vault whose key is named by an alias opens as before when the alias names another key, and moves to that', async () => {
  const store = memoryStore();
  const [first, second] = [await newKey(), await newKey()];
  const AliasName = 'alias/vault';
  await cloud.kms.send(new CreateAliasCommand({ AliasName, TargetKeyId: first.keyId }));
  const service = createKmsKeyService(cloud.kms, AliasName);
  const made = { store, clock: fixedClock, randomBytes: seededBytes('kms'), signal: NEVER };
  await initVault({ ...made, keys: service });
  await backUp(await testVault({ store, keys: service }), volumes());
  await cloud.kms.send(new UpdateAliasCommand({ AliasName, TargetKeyId: second.keyId }));
  expect(await readBlocks(store, service)).toEqual([3]);

  const vault = await testVault({ store, keys: service, roles: PURPOSES });
  const added = await addRecipient({ vault, recipient: service, withControl: true, signal: NEVER });
  expect(added.id).toBe(second.arn);
  const openRecipient = (_: string, id: string) => createKmsKeyService(cloud.kms, id);
  const rotation = await rotateKeys({ vault, service, openRecipient, without: [first.arn], signal: NEVER });
  expect(rotation.recipients).toEqual([{ kind: 'kms', id: second.arn }]);
  await cloud.kms.send(new DisableKeyCommand({ KeyId: first.keyId }));
  await backUp(await testVault({ store, keys: service }), volumes(), { runId: SECOND });
  for (const pointId of [RUN_ID, SECOND]) expect(await readBlocks(store, service, pointId)).toEqual([3]);
});

test('a rotation that may not make keys changes nothing and says what it may not', async () => {
  const store = memoryStore();
  const { service } = await newKey();
  const control = await testVault({ store, keys: service, roles: CONTROL });
  await deny(['kms:GenerateDataKey']);
  const openRecipient = (_: string, id: string) => createKmsKeyService(cloud.kms, id);
  const attempt = rotateKeys({ vault: control, service, openRecipient, signal: NEVER });
  await expect(attempt).rejects.toThrow(/could not make the data root of epoch 2 .*AccessDeniedException/);
  await deny([]);
  expect([...store.objects.keys()].filter((key) => key.startsWith('keys/'))).toEqual(['keys/1.json']);
});
