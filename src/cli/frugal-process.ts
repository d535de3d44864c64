/**
 * glibc raises the first two by itself with the first large buffer that is given back, and then keeps tens of MiB that
 * nobody uses; named, they stay. 4 MiB, as what one block needs (two buffers of 512 KiB and zstd's context of 1.6 MiB) shall
 * not be mapped anew for every block: with 1 MiB an archive took a tenth more processor time, and no less memory. Two
 * arenas: each of Temporal's and Node's threads would have one of its own.
 */
const GLIBC = { MALLOC_MMAP_THRESHOLD_: '4194304', MALLOC_TRIM_THRESHOLD_: '4194304', MALLOC_ARENA_MAX: '2' };

/**
 * Of each thread's heap the young part, in MiB: little stands there beside blocks, which live outside of V8's heap. The old part
 * may grow by a fifth before it is collected; by itself it fills with garbage for as long as an archive takes (a mover of
 * 537 MiB after 12 GiB in place of 382). Where the processor is the limit that costs 6 % of the pace; `--optimize-for-size`
 * does no better and takes twice as long (docs/performance.md).
 */
const V8 = ['--max-semi-space-size=2', '--heap-growing-percent=20'];

/**
 * Starts this process once more in its own place, under the same id, as what memory it keeps must be said before it
 * begins. What it saves varies with the pace of the archive (docs/performance.md). Settings of a person's own stay. Returns
 * where there is nothing to do.
 */
export function restartFrugally(env: NodeJS.ProcessEnv): void {
  if (env.MALLOC_TRIM_THRESHOLD_ !== undefined) return;
  const { execPath, execArgv, argv } = process;
  // Not on Windows, and not before Node 22.15.
  process.execve?.(execPath, [execPath, ...V8, ...execArgv, ...argv.slice(1)], { ...GLIBC, ...env });
}
