import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { FormatError } from '../../../src/errors.ts';
import {
  type Authenticator,
  claimedEpoch,
  decodeDocument,
  encodeDocument,
  readDocumentHead,
  readUnproven,
} from '../../../src/vault/json-document.ts';
import { controlKeyPair, controlPublicKey } from '../../../src/vault/key-ring.ts';

const PLACE = { vaultId: '407e6ee8-94a1-4786-9106-0305852ce135', key: 'points/20261123T023107Z-9f2c0001.json' };
const MAC: Authenticator = {
  kind: 'mac',
  key: (epoch) => (epoch === 1 ? createHash('sha256').update('k').digest() : undefined),
};
const SCHEMA = z.strictObject({ text: z.string(), n: z.number() });
const COMMIT = { type: 'commit', schema: SCHEMA } as const;
const bytes = encodeDocument({ type: 'commit', epoch: 1, body: { text: 'ünïcode "quoted"\n', n: 1 } }, PLACE, MAC);
const decode = (changed: Uint8Array, place = PLACE) => decodeDocument(COMMIT, changed, { place, by: MAC });

test('a document is JSON that people and jq read, and decodes to its body', () => {
  expect(JSON.parse(new TextDecoder().decode(bytes))).toMatchObject({
    format: 'understudy.commit/1',
    epoch: 1,
    body: { n: 1 },
  });
  expect(decode(bytes)).toEqual({ text: 'ünïcode "quoted"\n', n: 1 });
});

test('every single changed byte is noticed, and the error names the object', () => {
  for (let at = 0; at < bytes.length; at++) {
    const changed = Uint8Array.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(() => decode(changed), `byte ${at}`).toThrow(FormatError);
    expect(() => decode(changed), `byte ${at}`).toThrow(/^points\/20261123T023107Z-9f2c0001\.json: /);
  }
});

test('a document cut anywhere, or any other bytes, gives a FormatError', () => {
  for (let length = 0; length < bytes.length; length++)
    expect(() => decode(bytes.subarray(0, length))).toThrow(FormatError);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (made) => void expect(() => decode(made)).toThrow(FormatError)),
  );
});

test('a document copied to another key, or of an unknown epoch or type, is refused', () => {
  expect(() => decode(bytes, { ...PLACE, key: 'points/20261123T023107Z-9f2c0002.json' })).toThrow(/does not match/);
  const later = encodeDocument({ type: 'commit', epoch: 2, body: {} }, PLACE, {
    kind: 'mac',
    key: () => new Uint8Array(32),
  });
  expect(() => decode(later)).toThrow(/epoch 2, which this vault does not have/);
  const other = encodeDocument({ type: 'session', epoch: 1, body: { text: '', n: 1 } }, PLACE, MAC);
  expect(() => decode(other)).toThrow(/type 'session', must be 'commit'/);
});

test('a member the schema does not know is refused: an old reader never guesses', () => {
  const later = encodeDocument({ type: 'commit', epoch: 1, body: { text: '', n: 1, later: true } }, PLACE, MAC);
  expect(() => decode(later)).toThrow(/later/);
});

test('what must be signed cannot be made by a holder of the mac key', () => {
  const { privateKey, publicKey } = controlKeyPair(new Uint8Array(32).fill(7));
  const by: Authenticator = { kind: 'signature', publicKey: () => controlPublicKey(publicKey) };
  const fence = { type: 'fence', schema: SCHEMA } as const;
  const body = { text: 'x', n: 1 };
  const signed = encodeDocument({ type: 'fence', epoch: 1, body }, PLACE, { kind: 'signature', privateKey });
  expect(decodeDocument(fence, signed, { place: PLACE, by })).toEqual(body);
  const forged = encodeDocument({ type: 'fence', epoch: 1, body }, PLACE, MAC);
  expect(() => decodeDocument(fence, forged, { place: PLACE, by })).toThrow(
    /carries a mac, a 'fence' must carry a signature/,
  );
});

test('a document too large to be read is never written', () => {
  const body = { text: 'x'.repeat(256 << 10), n: 1 };
  expect(() => encodeDocument({ type: 'commit', epoch: 1, body }, PLACE, MAC)).toThrow(/at most 262144 are allowed/);
});

test('before its key is known a document shows what it claims, and must be one all the same', () => {
  expect(readDocumentHead(bytes)).toEqual({ type: 'commit', epoch: 1, kind: 'mac' });
  expect(claimedEpoch(bytes)).toBe(1);
  expect(claimedEpoch(bytes.subarray(1))).toBeUndefined();
  expect(readUnproven(SCHEMA, PLACE.key, bytes)).toEqual({ text: 'ünïcode "quoted"\n', n: 1 });
  const at = bytes.length - 75;
  const noJson = Buffer.concat([bytes.subarray(0, at - 2), Buffer.from(',\n'), bytes.subarray(at)]);
  expect(() => readUnproven(SCHEMA, PLACE.key, noJson)).toThrow(/is not JSON in UTF-8/);
  const noUtf8 = Uint8Array.from(bytes);
  noUtf8[at - 8] = 0xff;
  expect(() => readUnproven(SCHEMA, PLACE.key, noUtf8)).toThrow(/is not JSON in UTF-8/);
  const beyond = Buffer.from(Buffer.from(bytes).toString('utf8').replace('"epoch":1', '"epoch":9999999999'));
  expect(() => readDocumentHead(beyond)).toThrow(/epoch is 9999999999, must be 1 to 4294967295/);
});

test('a document with a later epoch than the vault has keys for is refused, signed or not', () => {
  const { privateKey, publicKey } = controlKeyPair(new Uint8Array(32).fill(7));
  const body = { text: 'x', n: 1 };
  const signed = encodeDocument({ type: 'fence', epoch: 2, body }, PLACE, { kind: 'signature', privateKey });
  const by: Authenticator = {
    kind: 'signature',
    publicKey: (epoch) => (epoch === 1 ? controlPublicKey(publicKey) : undefined),
  };
  const fence = { type: 'fence', schema: SCHEMA } as const;
  expect(() => decodeDocument(fence, signed, { place: PLACE, by })).toThrow(/epoch 2, which this vault does not have/);
  // The two halves of a key pair are not exchanged by mistake.
  expect(() => encodeDocument({ type: 'fence', epoch: 1, body }, PLACE, by)).toThrow(TypeError);
  expect(() => decodeDocument(fence, signed, { place: PLACE, by: { kind: 'signature', privateKey } })).toThrow(
    TypeError,
  );
});
