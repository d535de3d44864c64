import { Worker } from 'node:worker_threads';
import { VaultError } from '../errors.ts';
import type { BlockJob, BlockReply } from './block-jobs.ts';
import { BLOCK_BYTES } from './block-source.ts';
import { PACK_BYTES } from './parameters.ts';
import { Pool } from './pool.ts';
import { MAX_SEALED_BLOCK_BYTES } from './sealed-block.ts';

/** 2 MiB per job: large enough that handing over costs nothing (100 messages a second), small enough to keep many. */
export const BATCH_BLOCKS = 4;
// One core seals 110 to 140 MiB/s; two keep up with what one volume gives on the machines we run on.
const THREADS = 2;
// Two shards at work: four batches being sealed, one being filled and one being emptied each would be 12; 8 still let
// each go on, because a batch is only held while its own shard moves.
const BATCHES = 8;
// One open pack for each of the shards at work, and one more being uploaded; one shard alone gets two uploads.
const PACK_BUFFERS = 3;
/** More would each hold an open pack and none could close one. Waiting is no loss: the threads are busy anyway. */
const SHARDS_AT_WORK = 2;

/** A batch's buffers: blocks in, sealed blocks out. */
export interface Batch {
  readonly input: ArrayBuffer;
  readonly output: ArrayBuffer;
}

/** The threads and the big buffers of one open vault; together they bound its memory to about 200 MiB. */
export interface Threads {
  readonly batches: Pool<Batch>;
  readonly packBuffers: Pool<Uint8Array>;
  readonly shardsAtWork: Pool<symbol>;
  run(job: BlockJob): Promise<BlockReply>;
  close(): Promise<void>;
}

export function createThreads(): Threads {
  const queue: QueuedJob[] = [];
  const idle: Thread[] = [];
  const all = new Set<Thread>();
  let closed = false;

  function next(): void {
    while (queue.length > 0) {
      const thread = idle.pop() ?? (all.size < THREADS ? start() : undefined);
      const queued = thread && queue.shift();
      if (!queued) return;
      thread.queued = queued;
      // A busy thread keeps the process alive, an idle one does not.
      thread.worker.ref();
      thread.worker.postMessage(queued.job, queued.job.kind === 'seal' ? [queued.job.input, queued.job.output] : []);
    }
  }
  function start(): Thread {
    const thread: Thread = { worker: new Worker(threadFile()), queued: undefined };
    const died = (cause: unknown) => {
      all.delete(thread);
      if (idle.includes(thread)) idle.splice(idle.indexOf(thread), 1);
      thread.queued?.reject(threadDied(cause));
      thread.queued = undefined;
      next();
    };
    thread.worker.on('message', (reply: BlockReply) => {
      const { queued } = thread;
      thread.queued = undefined;
      thread.worker.unref();
      idle.push(thread);
      queued?.resolve(reply);
      next();
    });
    thread.worker.on('error', died);
    thread.worker.on('exit', died);
    all.add(thread);
    return thread;
  }
  return {
    batches: new Pool(BATCHES, makeBatch),
    packBuffers: new Pool<Uint8Array>(PACK_BUFFERS, () => new Uint8Array(PACK_BYTES)),
    shardsAtWork: new Pool(SHARDS_AT_WORK, () => Symbol('shard at work')),
    run: (job) =>
      new Promise((resolve, reject) => {
        if (closed) throw new TypeError('the vault was closed');
        queue.push({ job, resolve, reject });
        next();
      }),
    async close() {
      closed = true;
      await Promise.all([...all].map(({ worker }) => worker.terminate()));
    },
  };
}

interface Thread {
  readonly worker: Worker;
  queued: QueuedJob | undefined;
}

interface QueuedJob {
  readonly job: BlockJob;
  readonly resolve: (reply: BlockReply) => void;
  readonly reject: (error: Error) => void;
}

function makeBatch(): Batch {
  return {
    input: new ArrayBuffer(BATCH_BLOCKS * BLOCK_BYTES),
    output: new ArrayBuffer(BATCH_BLOCKS * MAX_SEALED_BLOCK_BYTES),
  };
}

/** Beside this file: TypeScript in the repository, JavaScript in the package. */
function threadFile(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './block-thread.ts' : './block-thread.js', import.meta.url);
}

function threadDied(cause: unknown): VaultError {
  const message = 'a thread that seals blocks died; out of memory is the usual reason, give the mover more';
  return new VaultError('ThreadDied', message, { cause });
}
