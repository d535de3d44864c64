import { z } from 'zod';
import { VaultError } from '../errors.ts';
import { VAULT_KEY } from './object-keys.ts';
import type { ObjectStore } from './object-store.ts';

const FORMAT_VERSION = 1;
// A later format may change anything else, even the envelope; this much must stay readable.
const AnyVersion = z.object({ format: z.string(), body: z.object({ formatVersion: z.int().optional() }).optional() });

/** Says so in plain words when a later program made the vault; anything else is left to the checks that follow. */
export function mustBeThisFormat({ url }: ObjectStore, document: Uint8Array): void {
  const said = AnyVersion.safeParse(parse(document)).data;
  const envelope = Number(/^understudy\.vault\/(\d{1,9})$/.exec(said?.format ?? '')?.[1] ?? FORMAT_VERSION);
  const found = Math.max(envelope, said?.body?.formatVersion ?? envelope);
  if (found <= FORMAT_VERSION) return;
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
