import { expect, test } from 'vitest';
import { Spare } from '../../../src/vault/spare.ts';

test('what is given back is lent again, nobody waits, and no more is kept than asked for', () => {
  let made = 0;
  const spare = new Spare(2, () => ++made);
  expect([spare.take(), spare.take(), spare.take()]).toEqual([1, 2, 3]);
  for (const item of [1, 2, 3]) spare.give(item);
  expect([spare.take(), spare.take(), spare.take()].sort()).toEqual([1, 2, 4]);
});
