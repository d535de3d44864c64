import { expect, test } from 'vitest';
import type { Attestation } from '../../../src/vault/attestation.ts';
import { type CheckDepth, isSound, judgeAttestations } from '../../../src/vault/standing.ts';
import { testAttestation } from '../../support/vault-attestation.ts';
import { RUN_ID } from '../../support/vault-fixture.ts';

/** `full+` passed, `launch-` failed; hour by hour. */
function attestations(line: string): Attestation[] {
  return line.split(' ').map((word, hour) => {
    const at = `2026-11-24T${String(hour).padStart(2, '0')}:00:00.000Z`;
    const made = testAttestation(RUN_ID, `20261124T0${hour}0000Z-0000000a`, word.endsWith('+') ? 'passed' : 'failed');
    const level = word.slice(0, -1) as CheckDepth;
    // A launch has never said so: vaults are full of attestations without a level.
    return { ...made, finishedAt: at, ...(level !== 'launch' && { level }) };
  });
}

function summary(line: string): string {
  const { red, green, provenAt } = judgeAttestations(attestations(line));
  const name = (found: Attestation | undefined) =>
    found ? `${found.level ?? 'launch'}@${found.finishedAt.slice(12, 13)}` : '-';
  return `${name(red)} ${name(green)} ${provenAt.slice(12, 13) || '-'}`;
}

test.each([
  { line: 'launch+', counts: '- launch@0 0' },
  { line: 'launch+ launch-', counts: 'launch@1 launch@0 0' },
  { line: 'launch- structure+', counts: 'launch@0 structure@1 -' },
  { line: 'launch- sample+ full+', counts: 'launch@0 full@2 2' },
  { line: 'launch- full- full+', counts: 'launch@0 full@2 2' },
  { line: 'launch- launch+', counts: '- launch@1 1' },
  { line: 'full- structure+ sample+', counts: 'full@0 sample@2 -' },
  { line: 'sample- sample+', counts: 'sample@0 sample@1 -' },
  { line: 'sample- full+', counts: '- full@1 1' },
  { line: 'structure- structure+', counts: '- structure@1 -' },
  { line: 'structure- full- launch+', counts: '- launch@2 2' },
  { line: 'launch+ sample+ structure+', counts: '- launch@0 0' },
  { line: 'launch+ full+', counts: '- launch@0 1' },
])(
  'of "$line" counts $counts (red, green, proven): no shallow look hides what a deep one found',
  ({ line, counts }) => {
    expect(summary(line)).toBe(counts);
  },
);

test.each([
  { line: 'sample+', asked: 'sample', sound: true },
  { line: 'sample+', asked: 'launch', sound: false },
  { line: 'sample+', asked: null, sound: true },
  { line: 'launch+', asked: 'full', sound: true },
  { line: 'launch+ structure-', asked: 'full', sound: false },
] as const)('a point with "$line" of which $asked was asked is a parent: $sound', ({ line, asked, sound }) => {
  expect(isSound(judgeAttestations(attestations(line)), asked)).toBe(sound);
});

test('a point that nobody has looked at is a parent only where nobody asked', () => {
  const nothing = judgeAttestations([]);
  expect([isSound(nothing, null), isSound(nothing, 'structure')]).toEqual([true, false]);
});
