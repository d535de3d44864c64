import { type KeyObject, sign, timingSafeEqual, verify } from 'node:crypto';
import { z } from 'zod';
import { FormatError } from '../errors.ts';
import { fromHex, hex, uuidBytes } from './bytes.ts';
import { hmac } from './derive.ts';
import { mustBeWithin, naming } from './must-be.ts';

/**
 * The envelope of JSON documents (docs/vault-format.md 5.1). The authenticator stands on the last line and covers
 * exactly the bytes before it, so there is no canonical form to agree on and the document stays readable.
 */
export const MAX_DOCUMENT_BYTES = 256 << 10;

export type DocumentType =
  | 'vault'
  | 'keys'
  | 'session'
  | 'shard'
  | 'commit'
  | 'fence'
  | 'catalog'
  | 'attestation'
  | 'tombstone'
  | 'hold'
  | 'release'
  | 'gc-plan'
  | 'gc-page'
  | 'gc-report'
  | 'gc-versions'
  | 'check'
  | 'audit'
  | 'measurement';

/** Where a document stands; part of what is authenticated. */
export interface DocumentPlace {
  readonly vaultId: string;
  readonly key: string;
}

/** How a document proves itself: a MAC by whoever holds meta, or a signature by whoever holds control. Undefined: no such epoch. */
export type Authenticator =
  | { readonly kind: 'mac'; readonly key: (epoch: number) => Uint8Array | undefined }
  | { readonly kind: 'signature'; readonly privateKey: KeyObject }
  | { readonly kind: 'signature'; readonly publicKey: (epoch: number) => KeyObject | undefined };

export interface DocumentHead {
  readonly type: string;
  readonly epoch: number;
  readonly kind: 'mac' | 'signature';
}

interface NewDocument {
  readonly type: DocumentType;
  readonly epoch: number;
  readonly body: unknown;
}

export function encodeDocument(
  { type, epoch, body }: NewDocument,
  place: DocumentPlace,
  by: Authenticator,
): Uint8Array {
  const head = `{"format":"understudy.${type}/1","epoch":${epoch},"body":${JSON.stringify(body, null, 2)}\n`;
  const covered = Buffer.from(head, 'utf8');
  const proof = prove(messageOf(place, covered), epoch, by);
  const bytes = Buffer.concat([covered, Buffer.from(`,"${by.kind}":"${hex(proof)}"}\n`)]);
  if (bytes.length > MAX_DOCUMENT_BYTES) {
    throw new FormatError(`${place.key} would be ${bytes.length} bytes, at most ${MAX_DOCUMENT_BYTES} are allowed`);
  }
  return bytes;
}

/** Any bytes give a proven, valid body or a FormatError naming the object. */
export function decodeDocument<T>(
  { type, schema }: { readonly type: DocumentType; readonly schema: z.ZodType<T> },
  bytes: Uint8Array,
  { place, by }: { readonly place: DocumentPlace; readonly by: Authenticator },
): T {
  return naming(place.key, () => {
    const { head, covered, proof } = splitDocument(bytes);
    if (head.type !== type) throw new FormatError(`is a document of type '${head.type}', must be '${type}'`);
    if (head.kind !== by.kind) throw new FormatError(`carries a ${head.kind}, a '${type}' must carry a ${by.kind}`);
    if (!proves(messageOf(place, covered), head.epoch, { by, proof })) {
      throw new FormatError(`its ${by.kind} does not match: changed, or made by somebody without the key`);
    }
    return parseBody(bytes, schema);
  });
}

/** For documents that must be read before their key is known; nothing in them is proven yet. */
export function readUnproven<T>(schema: z.ZodType<T>, key: string, bytes: Uint8Array): T {
  return naming(key, () => {
    splitDocument(bytes);
    return parseBody(bytes, schema);
  });
}

/** The epoch a document claims; undefined when it is none. Nothing is proven. */
export function claimedEpoch(bytes: Uint8Array): number | undefined {
  const epoch = START.exec(latin1(bytes.subarray(0, 100)))?.[2];
  return epoch === undefined ? undefined : Number(epoch);
}

/** What a document says it is; nothing proven yet. */
export function readDocumentHead(bytes: Uint8Array): DocumentHead {
  return splitDocument(bytes).head;
}

const START = /^\{"format":"understudy\.([a-z-]{1,32})\/1","epoch":([1-9]\d{0,9}),"body":/;
const LAST_LINE = /^,"(?:(mac)":"[0-9a-f]{64}|(signature)":"[0-9a-f]{128})"\}\n$/;
const LINE_BYTES = { mac: 75, signature: 145 };

function splitDocument(bytes: Uint8Array) {
  mustBeWithin('length', bytes.length, LINE_BYTES.mac, MAX_DOCUMENT_BYTES);
  const start = START.exec(latin1(bytes.subarray(0, 100)));
  if (!start?.[1]) throw new FormatError('does not start like an understudy document');
  for (const kind of ['mac', 'signature'] as const) {
    const at = bytes.length - LINE_BYTES[kind];
    if (at < 1 || bytes[at - 1] !== 0x0a || !LAST_LINE.test(latin1(bytes.subarray(at)))) continue;
    const proof = fromHex(latin1(bytes.subarray(at + kind.length + 5, bytes.length - 3)));
    const head: DocumentHead = { type: start[1], epoch: Number(start[2]), kind };
    mustBeWithin('epoch', head.epoch, 1, 2 ** 32 - 1);
    return { head, covered: bytes.subarray(0, at), proof };
  }
  throw new FormatError('does not end with a mac or signature line: cut short or changed');
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function messageOf({ vaultId, key }: DocumentPlace, covered: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from('understudy/v1/json\n'), uuidBytes(vaultId), Buffer.from(`${key}\n`), covered]);
}

function prove(message: Uint8Array, epoch: number, by: Authenticator): Uint8Array {
  if (by.kind === 'mac') return hmac(known(by.key(epoch), epoch), message);
  if ('privateKey' in by) return sign(null, message, by.privateKey);
  throw new TypeError('a public key cannot sign');
}

function proves(message: Uint8Array, epoch: number, claim: { by: Authenticator; proof: Uint8Array }): boolean {
  const { by, proof } = claim;
  if (by.kind === 'mac') return timingSafeEqual(hmac(known(by.key(epoch), epoch), message), proof);
  if ('publicKey' in by) return verify(null, message, known(by.publicKey(epoch), epoch), proof);
  throw new TypeError('a private key does not verify');
}

function known<T>(key: T | undefined, epoch: number): T {
  if (key === undefined) throw new FormatError(`names epoch ${epoch}, which this vault does not have`);
  return key;
}

function parseBody<T>(bytes: Uint8Array, schema: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new FormatError('is not JSON in UTF-8', { cause });
  }
  const parsed = envelopeOf(schema).safeParse(json);
  if (!parsed.success) throw new FormatError(z.prettifyError(parsed.error).replaceAll('\n', ' '));
  return parsed.data.body as T;
}

// zod compiles a schema when it is first used, which takes 30 times as long as using it: collection reads thousands.
const ENVELOPES = new WeakMap<z.ZodType, z.ZodType<{ readonly body: unknown }>>();

function envelopeOf(schema: z.ZodType): z.ZodType<{ readonly body: unknown }> {
  const known = ENVELOPES.get(schema);
  if (known) return known;
  const envelope = z.strictObject({
    format: z.string(),
    epoch: z.number(),
    mac: z.string().optional(),
    signature: z.string().optional(),
    body: schema,
  });
  ENVELOPES.set(schema, envelope);
  return envelope;
}
