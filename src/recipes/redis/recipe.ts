import { z } from 'zod';
import type { Fact } from '../../contract/evidence.ts';
import type { FileReader } from '../../disk/file-reader.ts';
import { findPaths } from '../../disk/find-paths.ts';
import { guestText } from '../../disk/guest-text.ts';
import { PathPattern } from '../path-pattern.ts';
import type { Recipe } from '../recipe.ts';
import { endsAtWholeCommand } from './command-tail.ts';

const Params = z.strictObject({
  dataDirectories: z.array(PathPattern).min(1).default(['/var/lib/redis', '/var/lib/valkey']),
  port: z.int().min(1).max(65_535).default(6379),
  /** Unix socket, for servers that listen on no port. */
  socket: z
    .string()
    .regex(/^(\/[A-Za-z0-9_.-]+)+$/)
    .optional(),
  /** Keys whose values become facts of the verification. */
  probeKeys: z.array(z.string().regex(/^[A-Za-z0-9_.:-]{1,64}$/)).default([]),
});
type Params = z.output<typeof Params>;

/** The whole file is parsed up to here, exactly; of a longer one only the tail, looking for a place to start. */
const WHOLE_FILE_BYTES = 16 << 20;
const TAIL_BYTES = 4 << 20;
/** A manifest names one base and a few increments. */
const MANIFEST_BYTES = 65_536;

export const redis: Recipe<Params> = {
  name: 'redis',
  params: Params,
  scripts: {
    detect: new URL('./detect.sh', import.meta.url),
    recovered: new URL('./recovered.sh', import.meta.url),
    probe: new URL('./probe.sh', import.meta.url),
    agent: new URL('./agent.sh', import.meta.url),
    check: new URL('./check.sh', import.meta.url),
    load: new URL('./load.sh', import.meta.url),
  },
  async cleanFact(disk: FileReader, { dataDirectories }: Params, signal: AbortSignal): Promise<Fact> {
    for (const pattern of dataDirectories) {
      for (const directory of await findPaths(disk, pattern, signal)) {
        const fact = await folderFact(disk, directory, signal);
        if (fact) return fact;
      }
    }
    return { name: 'redis clean', verdict: 'unknown', found: `no data in ${dataDirectories.join(', ')}` };
  },
};

async function folderFact(disk: FileReader, directory: string, signal: AbortSignal): Promise<Fact | undefined> {
  const log = await findLastLog(disk, directory, signal);
  if (log === 'none-named')
    return { name: 'redis clean', verdict: 'unknown', found: 'the manifest names no append-only file' };
  if (log !== undefined) return logFact(disk, log, signal);
  const names = await disk.list(directory, signal);
  if (!names?.some((name) => name.endsWith('.rdb'))) return undefined;
  return { name: 'redis clean', verdict: 'not-observed', found: 'only a dump (RDB): it is whole or not loaded at all' };
}

/** Redis 7 keeps increments in a folder with a manifest; before, there was one file. */
async function findLastLog(disk: FileReader, directory: string, signal: AbortSignal): Promise<string | undefined> {
  const folder = `${directory}/appendonlydir`;
  const manifest = (await disk.list(folder, signal))?.find((name) => name.endsWith('.manifest'));
  if (manifest !== undefined) {
    const bytes = await disk.read(`${folder}/${manifest}`, MANIFEST_BYTES, signal);
    const name = lastIncrement(new TextDecoder().decode(bytes));
    return name === undefined ? 'none-named' : `${folder}/${name}`;
  }
  const old = (await disk.list(directory, signal))?.find((name) => name.endsWith('.aof'));
  return old === undefined ? undefined : `${directory}/${old}`;
}

/** Lines such as `file appendonly.aof.3.incr.aof seq 3 type i`, the last of type i being the one that is written. */
function lastIncrement(manifest: string): string | undefined {
  const names = manifest
    .split('\n')
    .map((line) => /^file ([A-Za-z0-9_.-]{1,200}) seq \d{1,19} type i\b/.exec(line)?.[1])
    .filter((name) => name !== undefined);
  return names.at(-1);
}

async function logFact(disk: FileReader, path: string, signal: AbortSignal): Promise<Fact> {
  const name = 'redis clean';
  const shown = guestText(path.slice(path.lastIndexOf('/') + 1), 80);
  const tail = await disk.readTail(path, WHOLE_FILE_BYTES, signal);
  if (tail === undefined) return { name, verdict: 'unknown', found: `the manifest names ${shown}, which is not there` };
  const isWhole = tail.bytes.length === tail.size;
  const bytes = isWhole ? tail.bytes : tail.bytes.subarray(-TAIL_BYTES);
  return endsAtWholeCommand(bytes, isWhole)
    ? { name, verdict: 'clean', found: `${shown} (${tail.size} bytes) ends at a whole command` }
    : { name, verdict: 'dirty', found: `${shown} (${tail.size} bytes) ends in the middle of a command` };
}
