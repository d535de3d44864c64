import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { VaultError } from '../errors.ts';
import { makeBatch } from './batch.ts';
import type { BlockJob, BlockReply } from './block-jobs.ts';
import { BLOCK_BYTES } from './block-source.ts';
import { PACK_BYTES } from './parameters.ts';
import { Pool } from './pool.ts';
import { Spare } from './spare.ts';

// One core seals 110 to 140 MiB/s; four keep up with what one volume gives (450 MiB/s), and each costs 20 MiB.
const THREADS = Math.min(availableParallelism(), 4);
// A block read takes about 100 ms (AWS, EBS direct APIs): two batches per thread being sealed or waiting for it, and as
// many and four more being read, which is 32 reads at once and 160 MiB/s with two threads.
export const BATCHES = 4 + 4 * THREADS;
// One open pack for each of the shards at work, and one more being uploaded; one shard alone gets two uploads.
const PACK_BUFFERS = 3;
/** More would each hold an open pack and none could close one. Waiting is no loss: the threads are busy anyway. */
const SHARDS_AT_WORK = 2;
/** One range of a pack: a 32 MiB pack is two requests, which cost half of what four do. */
export const RANGE_BYTES = 16 << 20;
// What one reader has at once (volume-blocks.ts).
const SPARE_RANGES = 5;
/** What a job opens: 2 MiB of plain bytes. */
export const BLOCKS_PER_JOB = 4;
// What one reader has at once: six jobs (volume-blocks.ts), and as many blocks as a restore into EBS writes side by side.
const SPARE_OPENED = 10;
// One at work and one waiting: a thread need not wait until the main thread, busy with what it receives, has read its answer.
const JOBS_PER_THREAD = 2;
// What a thread leaves to its collector are a few objects per block; the default of 16 MiB and more would never fill up
// with anything that lives.
const THREAD_LIMITS = { maxYoungGenerationSizeMb: 4 };

/** The threads and the big buffers of one open vault; with two threads they bound its memory to about 160 MiB. */
export interface Threads {
  readonly batches: Pool<SharedArrayBuffer>;
  /** Of RANGE_BYTES, for readers that fetch ahead; several of them may have more than are kept. */
  readonly ranges: Spare<SharedArrayBuffer>;
  /** For BLOCKS_PER_JOB opened blocks, likewise. */
  readonly opened: Spare<SharedArrayBuffer>;
  readonly packBuffers: Pool<Uint8Array>;
  readonly shardsAtWork: Pool<symbol>;
  /** Starts them now, for whoever has something else to do until the first job: a thread takes 0.1 s to load. */
  warmUp(): void;
  /** Sealed bytes that are not shared are handed over. */
  run(job: BlockJob): Promise<BlockReply>;
  close(): Promise<void>;
}

/** For a command that will need them: they load beside everything that it loads itself. */
export function startThreads(): Threads {
  const threads = createThreads();
  threads.warmUp();
  return threads;
}

export function createThreads(): Threads {
  const queue: QueuedJob[] = [];
  const all = new Set<Thread>();
  let closed = false;

  function next(): void {
    while (queue.length > 0) {
      const thread = freest();
      const queued = thread && queue.shift();
      if (!queued) return;
      thread.underWay.push(queued);
      // A busy thread keeps the process alive, an idle one does not.
      thread.worker.ref();
      thread.worker.postMessage(queued.job, handedOver(queued.job));
    }
  }
  /** A thread with nothing to do, even if it has to be started; else one that can have its next job waiting. */
  function freest(): Thread | undefined {
    const [first] = [...all].sort((a, b) => a.underWay.length - b.underWay.length);
    if (first?.underWay.length === 0) return first;
    if (all.size < THREADS) return start();
    return first && first.underWay.length < JOBS_PER_THREAD ? first : undefined;
  }
  function start(): Thread {
    const thread: Thread = { worker: new Worker(threadFile(), { resourceLimits: THREAD_LIMITS }), underWay: [] };
    const died = (cause: unknown) => {
      all.delete(thread);
      for (const { reject } of thread.underWay.splice(0)) reject(threadDied(cause));
      next();
    };
    thread.worker.on('message', (reply: BlockReply) => {
      const queued = thread.underWay.shift(); // it answers in the order of the jobs
      if (thread.underWay.length === 0) thread.worker.unref();
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
    ranges: new Spare(SPARE_RANGES, () => new SharedArrayBuffer(RANGE_BYTES)),
    opened: new Spare(SPARE_OPENED, () => new SharedArrayBuffer(BLOCKS_PER_JOB * BLOCK_BYTES)),
    packBuffers: new Pool<Uint8Array>(PACK_BUFFERS, () => new Uint8Array(PACK_BYTES)),
    shardsAtWork: new Pool(SHARDS_AT_WORK, () => Symbol('shard at work')),
    warmUp() {
      while (all.size < THREADS) {
        start().worker.unref();
      }
    },
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

function handedOver(job: BlockJob): ArrayBuffer[] {
  return job.kind === 'open' && job.sealed instanceof ArrayBuffer ? [job.sealed] : [];
}

interface Thread {
  readonly worker: Worker;
  readonly underWay: QueuedJob[];
}

interface QueuedJob {
  readonly job: BlockJob;
  readonly resolve: (reply: BlockReply) => void;
  readonly reject: (error: Error) => void;
}

/** Beside this file: TypeScript in the repository, JavaScript in the package. */
function threadFile(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './block-thread.ts' : './block-thread.js', import.meta.url);
}

function threadDied(cause: unknown): VaultError {
  const message = 'a thread that seals blocks died; out of memory is the usual reason, give the mover more';
  return new VaultError('ThreadDied', message, { cause });
}
