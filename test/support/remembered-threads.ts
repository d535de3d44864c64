import { createHash } from 'node:crypto';
import type { BlockJob, BlockReply } from '../../src/vault/block-jobs.ts';
import type { Threads } from '../../src/vault/threads.ts';

/**
 * Threads that do each seal once and then give the same answer at once: a search through orders seals the same blocks
 * with the same nonces thousands of times, and what it searches are store calls.
 */
export function rememberedThreads(threads: Threads): Threads {
  const known = new Map<string, Extract<BlockReply, { kind: 'sealed' }>>();
  return {
    ...threads,
    async run(job: BlockJob): Promise<BlockReply> {
      if (job.kind !== 'seal') return threads.run(job);
      const { input, output, keys: _, ...rest } = job;
      const key = createHash('sha1').update(JSON.stringify(rest, asHex)).update(new Uint8Array(input)).digest('base64');
      const earlier = known.get(key);
      if (earlier) {
        new Uint8Array(output).set(new Uint8Array(earlier.output));
        return { ...earlier, input, output };
      }
      const reply = await threads.run(job);
      if (reply.kind === 'sealed') known.set(key, { ...reply, output: reply.output.slice(0) });
      return reply;
    },
  };
}

function asHex(_: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
}
