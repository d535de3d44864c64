import { randomBytes } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { FormatError } from '../../../src/errors.ts';
import { FuzzFailure, fuzz } from '../../fuzz/fuzz.ts';
import { type FuzzTarget, fuzzTargets } from '../../fuzz/targets.ts';

vi.setConfig({ testTimeout: 120_000 });

// A short burst with a seed of its own each time; `npm run fuzz` goes on for millions. A failure prints how to repeat it.
const SEED = randomBytes(4).toString('hex');
const BURST = 200;

test.each(fuzzTargets())('nothing but the error for damage comes out of: $name', async (target) => {
  const { burst = BURST } = target;
  const { inputs, accepted } = await fuzz(target, { seed: SEED, inputs: burst, until: Number.POSITIVE_INFINITY });
  expect(inputs).toBe(burst);
  expect(accepted).toBeLessThan(burst);
});

test('the fuzzer finds a decoder that trusts a count, and says how to repeat it', async () => {
  const [codec] = fuzzTargets();
  if (!codec) throw new Error('there are targets');
  const trusting: FuzzTarget = {
    ...codec,
    name: 'trusting',
    accepts(input) {
      const count = new DataView(input.buffer, input.byteOffset).getUint32(0, true);
      if (count > 1_000_000) throw new RangeError('Invalid array length');
      throw new FormatError('fine');
    },
  };
  const all = () =>
    fuzz({ ...trusting, accepts: (input) => refuses(trusting, input) }, { seed: 'a', inputs: 5000, until: Infinity });
  await expect(all()).rejects.toThrow(FuzzFailure);
  await expect(all()).rejects.toThrow(/npm run fuzz -- --seed a --only 'trusting' --inputs \d+/);
});

async function refuses(target: FuzzTarget, input: Uint8Array): Promise<boolean> {
  try {
    return await target.accepts(input);
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}
