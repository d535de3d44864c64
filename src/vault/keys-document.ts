import { z } from 'zod';
import { Epoch, Sha256Hex, Time, Uuid } from './fields.ts';

/** One root, wrapped for one recipient. Kinds a reader does not know are skipped. */
export const Wrap = z.strictObject({
  recipient: z.strictObject({ kind: z.string().regex(/^[a-z][a-z0-9-]{0,19}$/), id: z.string().max(2048) }),
  wrapped: z.base64().min(1).max(16_384),
});
export type Wrap = z.infer<typeof Wrap>;

/** How many recipients one document holds; further ones stand in further documents. */
const MAX_WRAPS = 16;

const Wraps = z.array(Wrap).max(MAX_WRAPS);

/** `keys/<epoch>.json`: the roots of one epoch, each wrapped on its own. `keys/<epoch>-<n>.json`: for further recipients. */
export const KeysDocument = z.strictObject({
  vaultId: Uuid,
  epoch: Epoch,
  createdAt: Time,
  controlPublicKey: Sha256Hex,
  roots: z.strictObject({ data: Wraps, meta: Wraps, control: Wraps }),
});
export type KeysDocument = z.infer<typeof KeysDocument>;
