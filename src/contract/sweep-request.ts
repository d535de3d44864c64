import { z } from 'zod';

/** A sweep has nothing to choose: whoever asks for less than all of it shall hear that it would not be so. */
export const SweepRequest = z.strictObject({}).nullish();
export type SweepRequest = z.input<typeof SweepRequest>;
