import { readFile } from 'node:fs/promises';

/** The largest resident size that the process ever had. */
export async function readPeakMebibytes(pid: number): Promise<number> {
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  if (kibibytes === undefined) throw new Error(`the kernel tells no peak of process ${pid}`);
  return Math.round(Number(kibibytes) / 1024);
}
