import { expect, test } from 'vitest';
import { matchesSpec } from '../../../src/disk/fstab.ts';

test.each(['LABEL=a=b', '/dev/disk/by-label/a=b'])('a label with an equals sign is found by %s', (spec) => {
  const fact = { label: 'a=b', partition: 1 } as Parameters<typeof matchesSpec>[1];
  expect(matchesSpec(spec, fact, 0)).toBe(true);
  expect(matchesSpec(spec, { ...fact, label: 'a' }, 0)).toBe(false);
});
