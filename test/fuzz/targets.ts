import fc from 'fast-check';
import { FormatError } from '../../src/errors.ts';
import { decodeContextRequest, decodeInfoRequest, decodeOptionHead, decodeRequest } from '../../src/nbd/decode.ts';
import { CHANGE_SET_FRAME } from '../../src/vault/change-set.ts';
import { EVIDENCE_FRAME } from '../../src/vault/evidence-content.ts';
import { decodeFileIndex, FILE_INDEX_FRAME } from '../../src/vault/file-index/file-index.ts';
import { decodeIndexPage, INDEX_PAGE_FRAME } from '../../src/vault/file-index/index-page.ts';
import { packText } from '../../src/vault/file-index/packed-text.ts';
import { readDocumentHead } from '../../src/vault/json-document.ts';
import { decodePackTail } from '../../src/vault/pack-tail.ts';
import { openPackTrailer, sealPackTrailer } from '../../src/vault/pack-trailer.ts';
import { MAX_SEALED_BLOCK_BYTES, openBlock, sealBlock } from '../../src/vault/sealed-block.ts';
import { type FrameType, openObject, sealObject } from '../../src/vault/sealed-object.ts';
import { SEGMENT_FRAME } from '../../src/vault/segment.ts';
import { MAP_FRAME } from '../../src/vault/volume-map.ts';
import { contextRequest, encodeRawRequest, infoRequest, u32 } from '../support/nbd-bytes.ts';
import { CODECS, type Codec } from '../support/vault-codecs.ts';
import { seededBytes } from '../support/vault-random.ts';
import { text } from '../support/vault-volume.ts';
import { agentTarget } from './agent.ts';
import { diskTargets } from './disks.ts';
import { EXAMPLES, openExample, sealAny } from './documents.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { mutateJson } from './mutate-json.ts';
import type { Random } from './random.ts';

/** Something that reads bytes of unknown origin. */
export interface FuzzTarget {
  readonly name: string;
  /** One input, made from a seed of the corpus. */
  input(random: Random): Uint8Array;
  /** True when the input was taken for valid. Anything but a FormatError that it throws is a bug. */
  accepts(input: Uint8Array): boolean | Promise<boolean>;
  /** Inputs of a short burst, where one costs much more than decoding an object. */
  readonly burst?: number;
}

const KEY = seededBytes('fuzz key')(32);
const NONCE = seededBytes('fuzz nonce')(12);
const PLACE = { vaultId: '407e6ee8-94a1-4786-9106-0305852ce135', runId: '20260101T000000Z-601d0001', name: 'vol-1' };

function accepts(decode: () => unknown): boolean {
  try {
    decode();
    return true;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

/** Seeds are valid objects of every shape; what is accepted must be what would be written, byte for byte. */
function codecTarget({ name, objects, canonical, encode, decode }: Codec): FuzzTarget {
  const corpus = fc.sample(objects, { seed: 42, numRuns: 60 }).map((object) => encode(object));
  return {
    name,
    input: (random) => mutateBytes(random.pick(corpus), random),
    accepts: (input) =>
      accepts(() => {
        const decoded = decode(input) as never;
        if (canonical && Buffer.compare(encode(decoded), input) !== 0)
          throw new Error('accepted, but written otherwise');
      }),
  };
}

/** What a thief can put in place of a sealed object: without the key nothing but the very bytes may open. */
function frameTarget(name: string, frame: FrameType): FuzzTarget {
  const seal = { key: KEY, keyEpoch: 1, nonce: NONCE };
  const object = sealObject(frame, text('content').subarray(0, 300), { place: PLACE, seal });
  return unchangedOnly({
    name: `sealed ${name}`,
    seeds: [object],
    open: (input) => openObject(frame, input, { place: PLACE, keyOf: () => KEY }),
  });
}

function unchangedOnly({
  name,
  seeds,
  open,
}: {
  readonly name: string;
  readonly seeds: readonly Uint8Array[];
  readonly open: (input: Uint8Array) => unknown;
}): FuzzTarget {
  return {
    name,
    input: (random) => mutateBytes(random.pick(seeds), random),
    accepts: (input) =>
      accepts(() => {
        open(input);
        if (!seeds.some((seed) => Buffer.compare(seed, input) === 0)) throw new Error('changed, but it opened');
      }),
  };
}

function trailerTarget(): FuzzTarget {
  const entry = { blockIndex: 3, offset: 8, sealedBytes: 100, codec: 1, blockId: KEY };
  const seal = { key: KEY, nonce: NONCE, keyEpoch: 1 };
  const sealed = sealPackTrailer({ volumeId: 'vol-1', entries: [entry] }, { place: PLACE, seal });
  return unchangedOnly({
    name: 'sealed trailer with its tail',
    seeds: [sealed],
    open(input) {
      const tailAt = Math.max(input.length - 24, 0);
      const tail = decodePackTail(input.subarray(tailAt));
      return openPackTrailer(input.subarray(0, tailAt), { place: PLACE, tail, key: KEY });
    },
  });
}

function blockTarget(): FuzzTarget {
  const keys = { vaultId: PLACE.vaultId, block: KEY, blockId: seededBytes('ids')(32) };
  const block = text('row');
  const sealed = sealBlock(block, { keys, nonce: NONCE, room: new Uint8Array(MAX_SEALED_BLOCK_BYTES) });
  return unchangedOnly({
    name: 'sealed block',
    seeds: [sealed.sealed],
    open: (input) => openBlock({ ...sealed, sealed: input }, keys),
  });
}

/** Signed or not, valid or not: a holder of the key may have written anything, so the schema must hold. */
function documentTarget(example: (typeof EXAMPLES)[number]): FuzzTarget {
  const { type } = example.kind;
  return {
    name: `document ${type}`,
    input: (random) => sealAny(example, mutateJson(example.body, random)),
    accepts: (input) => accepts(() => openExample(example, input)),
  };
}

function forgedDocumentTarget(): FuzzTarget {
  const seeds = EXAMPLES.map((example) => ({ example, bytes: sealAny(example, example.body) }));
  return {
    name: 'changed document',
    input: (random) => mutateBytes(random.pick(seeds).bytes, random),
    accepts: (input) =>
      accepts(() => {
        const { type } = readDocumentHead(input);
        const seed = seeds.find(({ example }) => example.kind.type === type);
        if (!seed) return;
        openExample(seed.example, input);
        if (!seeds.some(({ bytes }) => Buffer.compare(bytes, input) === 0))
          throw new Error('changed, but it was proven');
      }),
  };
}

/** What any process of this machine may send to `understudy mount`. */
function nbdTarget(name: string, seeds: readonly Uint8Array[], decode: (input: Uint8Array) => unknown): FuzzTarget {
  return {
    name: `NBD ${name}`,
    input: (random) => mutateBytes(random.pick(seeds), random),
    accepts: (input) => accepts(() => decode(input)),
  };
}

function nbdTargets(): readonly FuzzTarget[] {
  const option = Buffer.concat([Buffer.from('IHAVEOPT'), u32(7), u32(13)]);
  return [
    nbdTarget('option', [option], decodeOptionHead),
    nbdTarget('information request', [infoRequest('vol-1', 0, 1, 3), infoRequest('')], decodeInfoRequest),
    nbdTarget(
      'context request',
      [contextRequest('vol-1', 'base:allocation', 'qemu:dirty-bitmap:x'), contextRequest('')],
      decodeContextRequest,
    ),
    nbdTarget('request', [encodeRawRequest({ command: 0, offset: 2n ** 40n, length: 65_536 })], decodeRequest),
  ];
}

/** Holders of the meta root can write any text into an index. */
function indexTextTarget(): FuzzTarget {
  const [file, index] = ['index page', 'file index'].map((name) => {
    const codec = CODECS.find((one) => one.name === name);
    if (!codec) throw new TypeError(`there is a codec of ${name}`);
    return fc.sample(codec.objects as fc.Arbitrary<unknown>, { seed: 42, numRuns: 20 });
  });
  return {
    name: 'text of a file index',
    input: (random) =>
      random.chance(2)
        ? packText(Buffer.from(JSON.stringify(mutateJson(random.pick(index ?? []), random)) ?? ''))
        : packText(Buffer.from(`${JSON.stringify(mutateJson(random.pick((file ?? []) as Json[][])[0], random))}\n`)),
    accepts: (input) =>
      accepts(() => {
        try {
          decodeFileIndex(input);
        } catch (error) {
          if (!(error instanceof FormatError)) throw error;
          decodeIndexPage(input);
        }
      }),
  };
}

type Json = unknown;

export function fuzzTargets(): readonly FuzzTarget[] {
  return [
    ...CODECS.map(codecTarget),
    frameTarget('segment', SEGMENT_FRAME),
    frameTarget('map', MAP_FRAME),
    frameTarget('change set', CHANGE_SET_FRAME),
    frameTarget('evidence', EVIDENCE_FRAME),
    frameTarget('file index', FILE_INDEX_FRAME),
    frameTarget('index page', INDEX_PAGE_FRAME),
    trailerTarget(),
    blockTarget(),
    ...EXAMPLES.map(documentTarget),
    forgedDocumentTarget(),
    ...nbdTargets(),
    indexTextTarget(),
    ...diskTargets(),
    agentTarget(),
  ];
}
