import { z } from 'zod';
import { ConfiguredName } from './names.ts';

export const CollectionRequest = z.strictObject({
  vault: ConfiguredName,
  /** `all`: expire, execute plans that are due, plan anew. `plan` removes nothing and expires nothing. */
  steps: z.enum(['all', 'plan', 'execute']).default('all'),
});
export type CollectionRequest = z.input<typeof CollectionRequest>;
