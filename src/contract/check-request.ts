import { z } from 'zod';
import { CheckLevel, ConfiguredName, RunId } from './names.ts';

/** A look at a vault, or at some of its points, that boots nothing. */
export const CheckRequest = z.strictObject({
  /** Default: the configuration's only vault, or its `defaults.vault`. */
  vault: ConfiguredName.optional(),
  level: CheckLevel.default('structure'),
  /** Default: all that have not expired. */
  pointIds: z.array(RunId).min(1).max(100).optional(),
});
export type CheckRequest = z.input<typeof CheckRequest>;

/** With the vault's name filled in by the worker's configuration. */
export interface ResolvedCheck {
  readonly vault: string;
  readonly level: CheckLevel;
  readonly pointIds?: readonly string[];
}
