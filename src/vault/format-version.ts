import { z } from 'zod';
import { VaultError } from '../errors.ts';
import { VAULT_KEY } from './object-keys.ts';
import type { ObjectStore } from './object-store.ts';

const FORMAT_VERSION = 1;
const AnyVersion = z.object({ body: z.object({ formatVersion: z.int() }) });

/** Says so in plain words when a later program made the vault; anything else is left to the checks that follow. */
export function mustBeThisFormat({ url }: ObjectStore, document: Uint8Array): void {
  const found = AnyVersion.safeParse(parse(document)).data?.body.formatVersion;
  if (found === undefined || found <= FORMAT_VERSION) return;
  const message = `${VAULT_KEY} in ${url} says format version ${found}, this version of understudy reads ${FORMAT_VERSION}; use a later one`;
  throw new VaultError('VaultIncompatible', message, { context: { object: VAULT_KEY } });
}

function parse(document: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(document));
  } catch {
    return undefined;
  }
}
