import { expect, test } from 'vitest';
import { LimitsConfig } from '../../../src/config/limits.ts';
import { outputRegion } from '../../../src/contract/agent-output.ts';

/** An MBR counts 2^32 sectors of 512 bytes. */
const MBR_GIB = 2_048;

test.each([1, 100, 2_047])(
  'behind results of %i GiB agents still have room, which ends where an MBR can tell',
  (scratchGiB) => {
    const limits = LimitsConfig.parse({ scratchGiB });
    const region = outputRegion(limits, [{ bytes: 16 * 2 ** 40 }]);
    expect(region.giB).toBeGreaterThan(0);
    expect(region.fromGiB + region.giB).toBeLessThanOrEqual(MBR_GIB);
  },
);
