import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateHybridIdentity, identityToRecipient } from 'age-encryption';
import { expect, test, vi } from 'vitest';
import { createAgeKeyService } from '../../../../src/vault/age/age-keys.ts';
import { createAgeRecipient } from '../../../../src/vault/age/age-recipient.ts';
import { decodeRoot, encodeRoot } from '../../../../src/vault/age/root-text.ts';
import { addRecipient, initVault, listKeys, openKeyService, openVault } from '../../../../src/vault/index.ts';
import type { RootPurpose } from '../../../../src/vault/key-service.ts';
import type { KeysDocument } from '../../../../src/vault/keys-document.ts';
import { PURPOSES } from '../../../../src/vault/new-epoch.ts';
import { keysKey } from '../../../../src/vault/object-keys.ts';
import { openVolume } from '../../../../src/vault/open-volume.ts';
import {
  backUp,
  CONTROL,
  fixedClock,
  MOVER,
  NEVER,
  RUN_ID,
  temporaryFolder,
  testKeys,
  testVault,
} from '../../../support/vault-fixture.ts';
import { ageIdentity, decryptWithAge, otherKeys, rotate } from '../../../support/vault-keys.ts';
import { type MemoryStore, memoryStore } from '../../../support/vault-memory-store.ts';
import { seededBytes } from '../../../support/vault-random.ts';
import { testVolume, text } from '../../../support/vault-volume.ts';

vi.setConfig({ testTimeout: 60_000 });

const volumes = () => ({ 'vol-1': testVolume(4, new Map([[3, text('row')]])) });
const randomBytes = seededBytes('age');

async function vaultWithAge() {
  const identity = await ageIdentity();
  const store = memoryStore();
  const keys = await testKeys();
  await initVault({ store, keys, recipients: [identity.recipient], clock: fixedClock, randomBytes, signal: NEVER });
  return { identity, store, keys };
}

function readKeys(store: MemoryStore, key = keysKey(1)): KeysDocument {
  return JSON.parse(Buffer.from(store.objects.get(key) ?? []).toString()).body;
}

function ageWrap(store: MemoryStore, purpose: RootPurpose, key = keysKey(1)): Uint8Array | undefined {
  const wrap = readKeys(store, key).roots[purpose].find(({ recipient }) => recipient.kind === 'age');
  return wrap && Buffer.from(wrap.wrapped, 'base64');
}

async function readBlock(store: MemoryStore, keys: Parameters<typeof openVault>[0]['keys']): Promise<number[]> {
  const vault = await openVault({ store, keys, roles: MOVER, clock: fixedClock, randomBytes, signal: NEVER });
  const volume = await openVolume({ vault, pointId: RUN_ID, volumeId: 'vol-1', signal: NEVER });
  const found: number[] = [];
  for await (const { index } of volume.blocks({ from: 0, to: 4 }, NEVER)) found.push(index);
  await vault.close();
  return found;
}

test('an offline identity reads every point without the key the vault was made with', async () => {
  const { identity, store, keys } = await vaultWithAge();
  await backUp(await testVault({ store, keys }), volumes());
  expect(await readBlock(store, identity.service)).toEqual([3]);
  expect(await readBlock(store, openKeyService(`age://${identity.path}`, { randomBytes }))).toEqual([3]);
});

test('the program `age` opens the wraps, and a person sees what each of them is', async () => {
  const { identity, store } = await vaultWithAge();
  const { vaultId } = readKeys(store);
  for (const purpose of ['data', 'meta'] as const) {
    const shown = await decryptWithAge(identity.path, ageWrap(store, purpose) ?? new Uint8Array());
    expect(shown).toMatch(
      new RegExp(`^understudy/v1/root\nvault ${vaultId}\nepoch 1\npurpose ${purpose}\nroot [0-9a-f]{64}\n$`),
    );
    const root = await identity.service.unwrap(
      ageWrap(store, purpose) ?? new Uint8Array(),
      { vaultId, epoch: 1, purpose },
      NEVER,
    );
    expect(shown).toContain(`root ${Buffer.from(root).toString('hex')}\n`);
  }
});

test('an offline recipient is not given the control root unless somebody says so: it can read, and end nothing', async () => {
  const { identity, store, keys } = await vaultWithAge();
  expect(ageWrap(store, 'control')).toBeUndefined();
  const open = openVault({
    store,
    keys: identity.service,
    roles: CONTROL,
    clock: fixedClock,
    randomBytes,
    signal: NEVER,
  });
  await expect(open).rejects.toThrow(/control root .* is wrapped for file key, not for a key of kind age/);
  const all = await testVault({ store, keys, roles: PURPOSES });
  const added = await addRecipient({ vault: all, recipient: identity.recipient, withControl: true, signal: NEVER });
  expect(added.objects).toEqual(['keys/1-2.json']);
  const control = await testVault({ store, keys: identity.service, roles: CONTROL });
  // Whoever holds it takes the vault over when everything else is lost.
  expect(await rotate(control, identity.service, { without: ['key'] })).toMatchObject({ epoch: 2, created: true });
});

test.each([
  { what: 'of another purpose', change: { purpose: 'meta' as const }, says: /the wrap holds the data root of epoch 1/ },
  { what: 'of another epoch', change: { epoch: 2 }, says: /the wrap holds the data root of epoch 1/ },
  {
    what: 'of another vault',
    change: { vaultId: '00000000-0000-4000-8000-000000000000' },
    says: /the wrap holds the data root of epoch 1 of vault/,
  },
])('a wrap $what does not pass for the one that is asked for', async ({ change, says }) => {
  const { identity, store } = await vaultWithAge();
  const { vaultId } = readKeys(store);
  const name = { vaultId, epoch: 1, purpose: 'data' as const, ...change };
  await expect(identity.service.unwrap(ageWrap(store, 'data') ?? new Uint8Array(), name, NEVER)).rejects.toThrow(says);
});

test('a recipient added later opens all epochs that there are, and is carried over by the next rotation', async () => {
  const store = memoryStore();
  const keys = await testKeys();
  const identity = await ageIdentity();
  await backUp(await testVault({ store, keys }), volumes());
  await rotate(await testVault({ store, keys, roles: CONTROL }), keys);
  const all = await testVault({ store, keys, roles: PURPOSES });
  const request = { vault: all, recipient: identity.recipient, signal: NEVER };
  expect(await addRecipient(request)).toMatchObject({ objects: ['keys/1-2.json', 'keys/2-2.json'] });
  expect(await addRecipient(request)).toMatchObject({ objects: [] });
  expect(await readBlock(store, identity.service)).toEqual([3]);
  await rotate(await testVault({ store, keys, roles: CONTROL }), keys);
  const { epochs } = await listKeys({ store, signal: NEVER });
  const age = { kind: 'age', id: identity.recipient.keyId, purposes: ['data', 'meta'] };
  for (const { recipients } of epochs) expect(recipients).toContainEqual(age);
  expect(epochs.map(({ objects }) => objects)).toEqual([
    ['keys/1.json', 'keys/1-2.json'],
    ['keys/2.json', 'keys/2-2.json'],
    ['keys/3.json'],
  ]);
});

test('two recipients added at once are both added', async () => {
  const store = memoryStore();
  const keys = await testKeys();
  const identities = [await ageIdentity(), await ageIdentity()];
  await testVault({ store, keys });
  const added = await Promise.all(
    identities.map(async ({ recipient }, i) =>
      addRecipient({
        vault: await testVault({ store, keys, roles: PURPOSES, seed: `${i}` }),
        recipient,
        signal: NEVER,
      }),
    ),
  );
  expect(added.flatMap(({ objects }) => objects).sort()).toEqual(['keys/1-2.json', 'keys/1-3.json']);
  for (const { service } of identities) await testVault({ store, keys: service, roles: ['data', 'meta'] });
});

test('after adding a second key file, the first can be left out of new epochs and old points open with the second', async () => {
  const store = memoryStore();
  const keys = await testKeys();
  const second = await otherKeys('6', 'key-of-today');
  await backUp(await testVault({ store, keys }), volumes());
  const all = await testVault({ store, keys, roles: PURPOSES });
  await addRecipient({ vault: all, recipient: second, withControl: true, signal: NEVER });
  const control = await testVault({ store, keys: second, roles: CONTROL });
  await rotate(control, second, { without: ['key'] });
  expect(await readBlock(store, second)).toEqual([3]);
  const { epochs } = await listKeys({ store, signal: NEVER });
  expect(epochs[1]?.recipients.map(({ id }) => id)).toEqual(['key-of-today']);
});

test('a rotation that would lock somebody out in passing is refused and says how to go on', async () => {
  const store = memoryStore();
  const keys = await testKeys();
  const second = await otherKeys('6', 'key-elsewhere');
  await testVault({ store, keys });
  const all = await testVault({ store, keys, roles: PURPOSES });
  await addRecipient({ vault: all, recipient: second, signal: NEVER });
  const attempt = rotate(all, keys);
  await expect(attempt).rejects.toThrow(/also wrapped for file key-elsewhere, .*--without 'key-elsewhere'/);
  await expect(rotate(all, keys, { without: ['nobody'] })).rejects.toThrow(/'nobody' is no recipient .*: key, key-els/);
  expect(store.objects.has(keysKey(2))).toBe(false);
});

test('post-quantum recipients work as well', async () => {
  const secret = await generateHybridIdentity();
  const path = join(await temporaryFolder(), 'identity.txt');
  await writeFile(path, `${secret}\n`);
  const recipient = createAgeRecipient(await identityToRecipient(secret));
  const name = { vaultId: '00000000-0000-4000-8000-000000000000', epoch: 1, purpose: 'meta' } as const;
  const root = seededBytes('root')(32);
  const { wrapped, keyId } = await recipient.wrap(root, name, NEVER);
  expect(keyId.startsWith('age1pq1')).toBe(true);
  expect(await createAgeKeyService(path, randomBytes).unwrap(wrapped, name, NEVER)).toEqual(root);
});

test.each([
  {
    what: 'an identity in place of a recipient',
    named: 'AGE-SECRET-KEY-1QQQQ',
    says: /the text given is no age recip/,
  },
  { what: 'a recipient with a wrong letter', named: `age1${'q'.repeat(58)}`, says: /'age1q+' is no age recipient/ },
  { what: 'a plug-in recipient', named: `age1yubikey1${'q'.repeat(50)}`, says: /is no age recipient/ },
])('$what is refused, and no secret is shown', ({ named, says }) => {
  let message = '';
  try {
    createAgeRecipient(named);
  } catch (error) {
    message = String(error);
  }
  expect(message).toMatch(says);
  expect(message).not.toContain('SECRET-KEY-1QQQQ');
});

test.each([
  { what: 'is locked with a passphrase', content: 'age-encryption.org/v1\n-> scrypt', says: /unlock it first/ },
  { what: 'is empty', content: '# nothing\n\n', says: /holds no AGE-SECRET-KEY- line; age-keygen makes one/ },
  { what: 'has a wrong letter', content: '# x\nAGE-SECRET-KEY-1QQQQ\n', says: /, line 2 is no identity of age/ },
  { what: 'is a key file', content: `${'42'.repeat(32)}\n`, says: /, line 1 is no identity of age/ },
])('an identity file that $what is refused by name, never by content', async ({ content, says }) => {
  const path = join(await temporaryFolder(), 'identity.txt');
  await writeFile(path, content);
  const name = { vaultId: '00000000-0000-4000-8000-000000000000', epoch: 1, purpose: 'meta' } as const;
  const opening = createAgeKeyService(path, randomBytes).unwrap(new Uint8Array(1), name, NEVER);
  await expect(opening).rejects.toThrow(says);
  await expect(opening).rejects.not.toThrow(/QQQQ|4242/);
});

test('the text of a root is exact: anything around it is refused', () => {
  const name = { vaultId: '00000000-0000-4000-8000-000000000000', epoch: 1, purpose: 'data' } as const;
  const root = seededBytes('root')(32);
  const encoded = encodeRoot(root, name);
  expect(decodeRoot(encoded, name)).toEqual(root);
  for (const bad of [`${encoded}x`, ` ${encoded}`, encoded.slice(0, -1), encoded.toUpperCase(), ''])
    expect(() => decodeRoot(bad, name)).toThrow(/holds no root of an understudy vault/);
});
