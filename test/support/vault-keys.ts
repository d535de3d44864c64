import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll } from 'vitest';
import { createAgeKeyService } from '../../src/vault/age/age-keys.ts';
import { createAgeRecipient } from '../../src/vault/age/age-recipient.ts';
import { createFileKeyService } from '../../src/vault/file/file-keys.ts';
import type { KeyService, RootRecipient } from '../../src/vault/key-service.ts';
import { type Rotation, rotateKeys } from '../../src/vault/rotate-keys.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { NEVER, temporaryFolder } from './vault-fixture.ts';
import { seededBytes } from './vault-random.ts';

export interface AgeIdentity {
  readonly path: string;
  readonly recipient: RootRecipient;
  readonly service: KeyService;
}

/** An identity as somebody keeps it: a file as age-keygen writes it. */
export async function ageIdentity(): Promise<AgeIdentity> {
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const path = join(await temporaryFolder(), 'identity.txt');
  await writeFile(path, `# created: 2026-11-23T02:31:07Z\n# public key: ${recipient}\n${identity}\n`);
  return {
    path,
    recipient: createAgeRecipient(recipient),
    service: createAgeKeyService(path, seededBytes('identity')),
  };
}

/** Keys for a whole test file: its folder goes when the last of its tests has ended. */
export function lastingKeys(): KeyService {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-vault-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'key');
  writeFileSync(path, `${'42'.repeat(32)}\n`);
  return createFileKeyService(path, seededBytes('keys'));
}

/** Another key file than testKeys', of the given digit. */
export async function otherKeys(digit: string, name = `key-${digit}`): Promise<KeyService> {
  const path = join(await temporaryFolder(), name);
  await writeFile(path, `${digit.repeat(64)}\n`);
  return createFileKeyService(path, seededBytes(`keys ${digit}`));
}

/** As the command does it, with age recipients carried over. */
export function rotate(
  vault: Vault,
  service: KeyService,
  more: { readonly without?: readonly string[] } = {},
): Promise<Rotation> {
  const openRecipient = (kind: string, id: string) => (kind === 'age' ? createAgeRecipient(id) : undefined);
  return rotateKeys({ vault, service, openRecipient, signal: NEVER, ...more });
}

/** What Debian's `age` prints for a file: proves that nothing of ours is needed to open it. */
export async function decryptWithAge(identityPath: string, file: Uint8Array): Promise<string> {
  const path = join(await temporaryFolder(), 'wrap.age');
  await writeFile(path, file);
  const { stdout } = await promisify(execFile)('age', ['--decrypt', '--identity', identityPath, path]);
  return stdout;
}
