import { Readable } from 'node:stream';
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { VaultError } from '../../errors.ts';
import { fillRoom } from '../fill-room.ts';
import type { ByteRange, SizeLimit } from '../object-store.ts';
import { mustFitInto } from '../whole-object.ts';

/** The largest object of the format is a map (docs/vault-format.md 4.2); bounds what an answer makes us allocate. */
const LARGEST_OBJECT_BYTES = (1 << 30) + (1 << 16);

type Answer = Pick<GetObjectCommandOutput, 'Body' | 'ContentLength'>;

/**
 * The body of an answer, in the room that was given for it or one buffer of its length; not by the SDK, which collects chunks
 * and joins them.
 */
export async function readBody(
  key: string,
  { Body: body, ContentLength: announced }: Answer,
  part?: ByteRange | SizeLimit,
): Promise<Uint8Array> {
  if (!body) return new Uint8Array();
  try {
    mustBeAnnounced(key, announced);
    mustFitInto(part, key, announced);
    mustBeOfAVault(key, announced);
  } catch (error) {
    if (body instanceof Readable) body.destroy();
    throw error;
  }
  try {
    return body instanceof Readable ? await collect(body, roomFor(announced, part)) : await body.transformToByteArray();
  } catch (cause) {
    const message = `${key}: the connection broke while the object was read`;
    throw new VaultError('VaultUnreachable', message, { context: { key }, cause });
  }
}

function mustBeAnnounced(key: string, announced: number | undefined): asserts announced is number {
  if (announced !== undefined) return;
  const message = `${key}: the answer does not say how long it is, as S3 always does; look at what lies between here and the store`;
  throw new VaultError('VaultUnreachable', message, { context: { key } });
}

function mustBeOfAVault(key: string, announced: number): void {
  if (announced <= LARGEST_OBJECT_BYTES) return;
  const message = `${key} is announced with ${announced} bytes, more than any object of a vault has`;
  throw new VaultError('ObjectDamaged', message, { context: { key, bytes: announced } });
}

function roomFor(announced: number, part: ByteRange | SizeLimit | undefined): Uint8Array {
  const room = part && 'room' in part ? part.room : undefined;
  return room && room.length >= announced ? room.subarray(0, announced) : new Uint8Array(announced);
}

async function collect(body: AsyncIterable<Uint8Array>, room: Uint8Array): Promise<Uint8Array> {
  const length = await fillRoom(body, room);
  if (length === room.length) return room;
  throw new RangeError(`${length} bytes${length > room.length ? ' or more' : ''}, announced were ${room.length}`);
}
