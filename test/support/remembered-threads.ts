import { createHash } from 'node:crypto';
import type { BlockJob, BlockReply } from '../../src/vault/block-jobs.ts';
import type { Threads } from '../../src/vault/threads.ts';

/**
 * Threads that do each seal once and then give the same answer at once: a search through orders seals the same blocks
 * with the same nonces thousands of times, and what it searches are store calls.
 */
export function rememberedThreads(threads: Threads): Threads {
  const known = new Map<string, { readonly reply: BlockReply; readonly sealed: Uint8Array }>();
  return {
    ...threads,
    async run(job: BlockJob): Promise<BlockReply> {
      if (job.kind !== 'seal') return threads.run(job);
      const { batch, keys: _, ...rest } = job;
      // Nonces are each run's own, and a run's blocks do not change between two searches.
      const key = createHash('sha1').update(JSON.stringify(rest, asHex)).digest('base64');
      const earlier = known.get(key);
      if (earlier) {
        new Uint8Array(batch).set(earlier.sealed);
        return earlier.reply;
      }
      const reply = await threads.run(job);
      if (reply.kind === 'sealed') known.set(key, { reply, sealed: Uint8Array.from(new Uint8Array(batch)) });
      return reply;
    },
  };
}

function asHex(_: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
}
