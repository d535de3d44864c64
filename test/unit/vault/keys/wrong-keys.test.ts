import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DecryptCommand, type KMSClient } from '@aws-sdk/client-kms';
import { expect, test } from 'vitest';
import { VaultError } from '../../../../src/errors.ts';
import { createFileKeyService } from '../../../../src/vault/file/file-keys.ts';
import { beginRun, openVault } from '../../../../src/vault/index.ts';
import { encodeDocument } from '../../../../src/vault/json-document.ts';
import type { KeyService } from '../../../../src/vault/key-service.ts';
import { createKmsKeyService } from '../../../../src/vault/kms/kms-keys.ts';
import { keysKey, VAULT_KEY } from '../../../../src/vault/object-keys.ts';
import {
  fixedClock,
  MOVER,
  NEVER,
  RUN_ID,
  temporaryFolder,
  testKeys,
  testSession,
  testVault,
} from '../../../support/vault-fixture.ts';
import { ageIdentity, otherKeys } from '../../../support/vault-keys.ts';
import { type MemoryStore, memoryStore } from '../../../support/vault-memory-store.ts';
import { seededBytes } from '../../../support/vault-random.ts';
import { testVolume } from '../../../support/vault-volume.ts';

function open(store: MemoryStore, keys: KeyService) {
  return openVault({ store, keys, roles: MOVER, clock: fixedClock, randomBytes: seededBytes('x'), signal: NEVER });
}

test('a wrong key file is named with the vault, and with who could open it', async () => {
  const store = memoryStore();
  const { vaultId } = await testVault({ store, keys: await testKeys() });
  await expect(open(store, await otherKeys('5'))).rejects.toThrow(
    new RegExp(`key file .*key-5 does not open the data root of epoch 1 of vault ${vaultId}.* wrapped for file key$`),
  );
  await expect(open(store, (await ageIdentity()).service)).rejects.toThrow(
    /is wrapped for file key, not for a key of kind age; open the vault with one of those/,
  );
});

test('a key file may be a pipe, which gives its bytes once', async () => {
  const store = memoryStore();
  await testVault({ store, keys: await testKeys() });
  const path = join(await temporaryFolder(), 'key');
  execFileSync('mkfifo', [path]);
  const once = writeFile(path, `${'42'.repeat(32)}\n`);
  const vault = await open(store, createFileKeyService(path, seededBytes('x')));
  expect(vault.keys.knows(1)).toBe(true);
  await once;
});

test('an identity named as a key file is told apart, without showing it', async () => {
  const path = join(await temporaryFolder(), 'key');
  await writeFile(path, 'AGE-SECRET-KEY-1QQQQ\n');
  const store = memoryStore();
  await testVault({ store, keys: await testKeys() });
  const opening = open(store, createFileKeyService(path, seededBytes('x')));
  await expect(opening).rejects.toThrow(/it is an age identity, which is named as one/);
  await expect(opening).rejects.not.toThrow(/QQQQ/);
});

test('keys of another vault lying in this one are told apart from damage', async () => {
  const keys = await testKeys();
  const store = memoryStore();
  const other = memoryStore();
  const { vaultId } = await testVault({ store, keys });
  const { vaultId: otherId } = await testVault({ store: other, keys: await otherKeys('5'), seed: 'other' });
  store.objects.set(keysKey(1), other.objects.get(keysKey(1)) ?? new Uint8Array());
  await expect(open(store, keys)).rejects.toThrow(
    new RegExp(`keys/1.json is of vault ${otherId}, vault.json of vault ${vaultId}: objects of two vaults`),
  );
});

test('a vault without its keys says what is missing', async () => {
  const keys = await testKeys();
  const store = memoryStore();
  await testVault({ store, keys });
  store.objects.delete(keysKey(1));
  await expect(open(store, keys)).rejects.toMatchObject({ code: 'ObjectMissing' });
});

test.each([
  {
    what: 'a higher format version',
    change: (json: string) => json.replace('"formatVersion": 1', '"formatVersion": 2, "unheardOf": {}'),
    says: /says format version 2, this version of understudy reads 1/,
  },
  {
    what: 'a later envelope',
    change: (json: string) => json.replace('understudy.vault/1', 'understudy.vault/3'),
    says: /says format version 3/,
  },
  {
    what: 'a feature needed for reading',
    change: (json: string) => json.replace('"read": []', '"read": ["sparse-maps"]'),
    says: /needs the features sparse-maps, which this version does not know/,
  },
])('a vault with $what is refused as later, not as damaged', async ({ change, says }) => {
  const keys = await testKeys();
  const store = memoryStore();
  await testVault({ store, keys });
  const json = Buffer.from(store.objects.get(VAULT_KEY) ?? []).toString();
  store.objects.set(VAULT_KEY, Buffer.from(change(json)));
  const opening = open(store, keys);
  await expect(opening).rejects.toThrow(says);
  await expect(opening).rejects.toMatchObject({ code: 'VaultIncompatible' });
});

test('a vault with a feature needed for writing is read, and no run begins', async () => {
  const keys = await testKeys();
  const store = memoryStore();
  const { vaultId, keys: ring } = await testVault({ store, keys });
  const body = JSON.parse(Buffer.from(store.objects.get(VAULT_KEY) ?? []).toString()).body;
  body.features.write = ['two-writers'];
  const place = { vaultId, key: VAULT_KEY };
  const mac = { kind: 'mac', key: () => ring.meta(1, 'json-mac') } as const;
  store.objects.set(VAULT_KEY, encodeDocument({ type: 'vault', epoch: 1, body }, place, mac));
  const vault = await open(store, keys);
  const session = testSession({ 'vol-1': testVolume(1, new Map()) }, RUN_ID);
  await expect(beginRun({ vault, session, signal: NEVER })).rejects.toThrow(/needs the features two-writers/);
  await vault.close();
});

test.each([
  { name: 'AccessDeniedException', code: 'KeyUnusable', says: /encryption context understudy:purpose = meta/ },
  { name: 'DisabledException', code: 'KeyUnusable', says: /the key is disabled: enable it again/ },
  { name: 'KMSInvalidStateException', code: 'KeyUnusable', says: /kms:CancelKeyDeletion/ },
  { name: 'NotFoundException', code: 'KeyUnusable', says: /a deleted key does not come back/ },
  { name: 'InvalidCiphertextException', code: 'KeyUnusable', says: /wrapped for another vault or purpose/ },
  { name: 'IncorrectKeyException', code: 'KeyUnusable', says: /wrapped by another key/ },
  { name: 'UnheardOfException', code: 'KeyUnusable', says: /check the key's state/ },
  { name: 'ThrottlingException', code: 'VaultUnreachable', says: /could not open the meta root of epoch 3/ },
])('KMS answering $name is $code and has its own remedy', async ({ name, code, says }) => {
  const failure = Object.assign(new Error('no'), { name, $fault: 'client' });
  const client = {
    send: async (command: unknown) => {
      expect(command).toBeInstanceOf(DecryptCommand);
      throw failure;
    },
  };
  // The port is KMS's wire protocol; the integration test asks the local cloud's.
  const service = createKmsKeyService(client as unknown as KMSClient, 'alias/vault');
  const root = { vaultId: '00000000-0000-4000-8000-000000000000', epoch: 3, purpose: 'meta' } as const;
  const unwrapping = service.unwrap(new Uint8Array(1), root, NEVER);
  await expect(unwrapping).rejects.toThrow(says);
  await expect(unwrapping).rejects.toSatisfy((error) => error instanceof VaultError && error.code === code);
});
