import { expect, test } from 'vitest';
import { missingPackages } from '../../../setup/apt.mjs';

test('a package counts as there only if it is wholly installed', () => {
  const dpkg = ['here ii ', 'held hi ', 'removed rc ', 'half iF ', 'unknown un '].join('\n');
  const wanted = ['here', 'held', 'removed', 'half', 'unknown', 'never-heard-of'];
  expect(missingPackages(wanted, dpkg)).toEqual(['removed', 'half', 'unknown', 'never-heard-of']);
});
