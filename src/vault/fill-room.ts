import { copyInto, free } from './bytes.ts';

/**
 * Puts what a connection brings into `room` and resolves with how many bytes came; more than the room holds: the rest was not
 * read, and what is there is not to be used. Each chunk is given back as soon as it is copied: waiting for the collector
 * they cost a restore 200 MiB and a mover 40.
 */
export async function fillRoom(body: AsyncIterable<Uint8Array>, room: Uint8Array): Promise<number> {
  let length = 0;
  for await (const chunk of body) {
    if (length + chunk.length > room.length) return length + chunk.length;
    copyInto(room, chunk, length);
    length += chunk.length;
    if (chunk.byteLength === chunk.buffer.byteLength) free(chunk);
  }
  return length;
}
