import { expect, test } from 'vitest';
import { isNewEnough, requireGo } from '../../../setup/go.mjs';

test.each([
  { line: 'go version go1.21.0 linux/amd64', enough: true },
  { line: 'go version go1.26.8 linux/amd64', enough: true },
  { line: 'go version go1.19.8 linux/amd64', enough: false },
  { line: 'go version go1.3 linux/amd64', enough: false },
  { line: 'no go here', enough: false },
])('"$line" can fetch newer toolchains by itself: $enough', ({ line, enough }) => {
  expect(isNewEnough(line)).toBe(enough);
});

test('the remedy for a Go that is missing or too old names the version and the other way out', async () => {
  const finding = requireGo({ env: { PATH: '' }, wayOut: 'set SERVER_PATH', usualPlace: '/nowhere/go' });
  await expect(finding).rejects.toThrow(/no Go .*Remedy: install Go 1\.21 or later.*or set SERVER_PATH/);
});
