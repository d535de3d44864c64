import { describe, expect, test } from 'vitest';
import { placeOf } from '../../../src/vault/open-store.ts';

test.each([
  ['file:///dir/vault', { folder: '/dir/vault' }],
  ['file:///dir/sp ü/vault', { folder: '/dir/sp ü/vault' }],
  ['file:///dir/100%25%23%3F%5C', { folder: '/dir/100%#?\\' }],
  ['s3://bucket', { bucket: 'bucket', prefix: '' }],
  ['s3://bucket/', { bucket: 'bucket', prefix: '' }],
  ['s3://bucket/a/b', { bucket: 'bucket', prefix: 'a/b/' }],
  ['s3://bucket/a/b/', { bucket: 'bucket', prefix: 'a/b/' }],
  ['s3://bucket/a%20b', { bucket: 'bucket', prefix: 'a b/' }],
])('%s names its place', (url, place) => {
  expect(placeOf(url)).toEqual(place);
});

describe('a URL of which a part would be left out names no vault, and the message says how to write it', () => {
  test.each([
    'file:///dir/v#1',
    'file:///dir/v?1',
    'file:///dir/v#',
    'file:///dir/v?',
    'file:///dir/a\\b',
    'file:///dir/v ',
    'file:///dir/a\tb',
    's3://bucket/v?x',
    's3://bucket/v#x',
    's3://user:pw@bucket/v',
    'file:///dir/100%',
    'file:///dir/%ZZ',
    'file:///dir/a%2Fb',
    'file:///dir/a%00b',
    's3://bucket/%ZZ',
    's3://bucket/%FF',
  ])('%s', (url) => {
    expect(() => placeOf(url)).toThrow(
      expect.objectContaining({
        code: 'InvalidConfiguration',
        message: expect.stringContaining('% as %25, # as %23, ? as %3F'),
      }),
    );
  });
});

test('a password in a URL is not shown', () => {
  expect(() => placeOf('s3://user:geheim@bucket/v')).toThrow(/'s3:\/\/…@bucket\/v'/);
});

test.each(['s3://bucket/p//q', 's3://bucket//p', 's3://bucket/p//', 's3://bucket/p/%2Fq'])(
  '%s has an empty part, which many stores and tools take away',
  (url) => {
    expect(() => placeOf(url)).toThrow(
      expect.objectContaining({ code: 'InvalidConfiguration', message: expect.stringContaining('is empty') }),
    );
  },
);

test.each(['vault', 'file://host/v', 'file:///', 's3:///p', 'https://bucket/p'])('%s is told what a URL is', (url) => {
  expect(() => placeOf(url)).toThrow(/write s3:\/\/bucket\/prefix or file:\/\/\/folder/);
});
