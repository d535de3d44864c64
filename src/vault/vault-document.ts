import { z } from 'zod';
import { BLOCK_BYTES } from './block-source.ts';
import { Features, Sha256Hex, Time, Uuid } from './fields.ts';
import { mustBeThisFormat } from './format-version.ts';
import { readUnproven } from './json-document.ts';
import { VAULT_KEY } from './object-keys.ts';
import type { ObjectStore } from './object-store.ts';
import { SEGMENT_BLOCKS } from './parameters.ts';

/** `vault.json`: what the vault is. Sizes are written down, so a reader need not share our constants. */
export const VaultDocument = z.strictObject({
  formatVersion: z.literal(1),
  vaultId: Uuid,
  createdAt: Time,
  blockBytes: z.literal(BLOCK_BYTES),
  segmentBlocks: z.literal(SEGMENT_BLOCKS),
  /** Raw Ed25519 public key. */
  controlPublicKey: Sha256Hex,
  features: Features,
});
export type VaultDocument = z.infer<typeof VaultDocument>;

/** Nothing is proven yet. VaultIncompatible when a later program wrote it: what else it says is then not judged. */
export function readUnprovenVault(store: ObjectStore, bytes: Uint8Array): VaultDocument {
  mustBeThisFormat(store, bytes);
  return readUnproven(VaultDocument, VAULT_KEY, bytes);
}
