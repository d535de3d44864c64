import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);
/** A map of a fragmented 100 GiB layer is about 20 MB of JSON. */
const MAX_OUTPUT = 256 * 2 ** 20;

const Extent = z.object({
  start: z.number(),
  length: z.number(),
  depth: z.number(),
  present: z.boolean(),
  zero: z.boolean(),
  data: z.boolean(),
  offset: z.number().optional(),
});
/** A run of bytes of a disk, the file of its chain that decides them (`depth` 0 = the top), and where in that file. */
export type Extent = z.output<typeof Extent>;

export async function createOverlay(qemuImg: string, { file, backingFile, bytes }: Overlay): Promise<void> {
  const backing = backingFile === undefined ? [] : ['-b', backingFile, '-F', 'qcow2'];
  await run(qemuImg, ['create', '-q', '-f', 'qcow2', ...backing, file, String(bytes)]);
}

interface Overlay {
  readonly file: string;
  readonly backingFile: string | undefined;
  readonly bytes: number;
}

/** -U: the machine that runs on top holds locks on the frozen files below, which nobody writes any more. */
export async function mapExtents(qemuImg: string, file: string): Promise<Extent[]> {
  const { stdout } = await run(qemuImg, ['map', '-U', '--output=json', '-f', 'qcow2', file], { maxBuffer: MAX_OUTPUT });
  return z.array(Extent).parse(JSON.parse(stdout));
}

/** Changes the name of the backing file only: right when the new one reads the same bytes. */
export async function rebaseUnsafe(qemuImg: string, file: string, backingFile: string): Promise<void> {
  await run(qemuImg, ['rebase', '-u', '-f', 'qcow2', '-b', backingFile, '-F', 'qcow2', file]);
}
