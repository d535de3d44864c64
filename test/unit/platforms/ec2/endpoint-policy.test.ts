import { expect, test } from 'vitest';
import { tooOpen } from '../../../../src/platforms/ec2/endpoint-policy.ts';

const OURS = { StringEquals: { 'aws:PrincipalAccount': '111111111111' } };
const NARROW = {
  Effect: 'Allow',
  Principal: '*',
  Resource: '*',
  Action: 'ssm:UpdateInstanceInformation',
  Condition: OURS,
};

function judge(statement: object | object[] | undefined, service = 'ssm') {
  const text = statement === undefined ? '' : JSON.stringify({ Version: '2012-10-17', Statement: statement });
  return tooOpen(text, service, '111111111111');
}

test.each<[string, object | object[], string]>([
  ['the one action of ssm, by condition', NARROW, 'ssm'],
  ['the same in a list and in other letters', [{ ...NARROW, Action: ['SSM:updateinstanceinformation'] }], 'ssm'],
  ['an account as the principal', { ...NARROW, Principal: { AWS: '111111111111' }, Condition: {} }, 'ssm'],
  ...['aws', 'aws-cn', 'aws-us-gov'].map((partition): [string, object, string] => [
    `a role of the account in the partition ${partition} as the principal`,
    { ...NARROW, Principal: { AWS: [`arn:${partition}:iam::111111111111:role/a`] }, Condition: {} },
    'ssm',
  ]),
  ['all four calls of a channel', { ...NARROW, Action: 'ssmmessages:*' }, 'ssmmessages'],
  ['a denial beside it', [NARROW, { Effect: 'Deny', Action: '*', Principal: '*', Resource: '*' }], 'ssm'],
])('a policy with %s lets in agents alone', (_, statement, service) => {
  expect(judge(statement, service)).toBeUndefined();
});

test.each<[string, object | undefined, RegExp]>([
  ['no policy', undefined, /no policy/],
  ["AWS's own", { Effect: 'Allow', Principal: '*', Resource: '*', Action: '*' }, /allows \*/],
  ['parameters', { ...NARROW, Action: ['ssm:UpdateInstanceInformation', 'ssm:GetParameters'] }, /ssm:GetParameters/],
  ['every call of ssm', { ...NARROW, Action: 'ssm:*' }, /ssm:\*/],
  ['a pattern', { ...NARROW, Action: 'ssm:Update*' }, /ssm:Update\*/],
  ['another service', { ...NARROW, Action: 's3:GetObject' }, /s3:GetObject/],
  ['all but some', { ...NARROW, NotAction: 'ssm:GetParameter' }, /NotAction/],
  ['all but somebody', { ...NARROW, NotPrincipal: { AWS: '222222222222' } }, /NotPrincipal/],
  ['nobody by name', { ...NARROW, Action: [] }, /nothing by name/],
  ['any account', { ...NARROW, Condition: undefined }, /not limited to this account/],
  [
    'another account',
    { ...NARROW, Condition: { StringEquals: { 'aws:PrincipalAccount': '222222222222' } } },
    /not limited/,
  ],
  [
    'ours and another',
    { ...NARROW, Condition: { StringEquals: { 'aws:PrincipalAccount': ['111111111111', '2'] } } },
    /not/,
  ],
  ['a condition by pattern', { ...NARROW, Condition: { StringLike: { 'aws:PrincipalAccount': '1*' } } }, /not limited/],
  [
    'ours as a prefix',
    { ...NARROW, Condition: {}, Principal: { AWS: 'arn:aws:iam::1111111111112:root' } },
    /not limited/,
  ],
  [
    'an account and a user who may be of any',
    { ...NARROW, Condition: {}, Principal: { AWS: '111111111111', CanonicalUser: '79a59df900b949e55d96a1e698fbaced' } },
    /not limited/,
  ],
])('a policy with %s is too open', (_, statement, why) => {
  expect(judge(statement)).toMatch(why);
});

test('bytes that are no policy are never taken for a narrow one', () => {
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '{"Statement":3}',
    '{"Statement":[null]}',
    `{"Statement":[],"x":"${'y'.repeat(30_000)}"}`,
  ])
    expect(tooOpen(text, 'ssm', '1')).toMatch(/no policy/);
});
