import { basename } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { RunId } from '../contract/names.ts';
import { ConfigurationError } from '../errors.ts';
import type { Manifest } from '../vault/index.ts';
import { startThreads } from '../vault/threads.ts';
import { readToolVersion } from '../workers/tool-version.ts';
import type { CliDeps } from './deps.ts';
import { formatBytes } from './format.ts';
import { invalidInput } from './invalid-input.ts';
import { jsonLines } from './json-lines.ts';
import { addLockOptions, type LockOptions, lockOf } from './lock-options.ts';
import { terminalText } from './terminal-text.ts';
import { transferSink } from './transfer-progress.ts';
import { addKeyOptions, type KeyOptions } from './vault-access.ts';

interface PutOptions extends KeyOptions, LockOptions {
  readonly machine?: string;
  readonly name?: string;
  readonly volume?: string;
  readonly changed?: string;
  readonly since?: string;
  readonly resume?: string;
  readonly json?: true;
}

export function vaultPutCommand(deps: CliDeps): Command {
  const command = new Command('put')
    .description('archive a raw disk image or block device as a recovery point; nobody may write to it meanwhile')
    .argument('<image>', 'file or block device')
    .argument('<vault>', 's3://bucket/prefix, file:///folder, or a name of temporal.config.ts')
    .option('--machine <id>', "whose disk it is; points of one machine follow one another (default: the image's name)")
    .option('--name <name>', "the machine's name, for people")
    .option('--volume <id>', 'which of its disks (default: disk0)')
    .option('--changed <file>', 'list of changed 512 KiB blocks (`n` or `n-m` per line); others are not read')
    .option('--since <point>', 'the recovery point since which --changed lists')
    .option(
      '--resume <run>',
      'go on with a run of the same image that was interrupted; the file must be as it was then',
    )
    .option('--json', 'JSON lines on standard output: progress, then one result');
  return addLockOptions(addKeyOptions(command)).action((image: string, url: string, options: PutOptions) =>
    runPut({ image, url }, options, deps),
  );
}

async function runPut({ image, url }: { image: string; url: string }, options: PutOptions, deps: CliDeps) {
  const threads = startThreads();
  const { putImage, readChangedBlocks, BLOCK_BYTES } = await import('../vault/index.ts');
  const names = readNames(image, options);
  const { signal } = deps;
  const { changed: list, since } = options;
  if ((list === undefined) !== (since === undefined))
    throw new ConfigurationError('InvalidInput', '--changed and --since belong together: changed since which point?');
  const { openVaultByName } = await import('./vault-by-name.ts');
  const access = { url, keys: options, lock: lockOf(options), threads, signal };
  const vault = await openVaultByName({ ...access, roles: ['data', 'meta'] });
  const sink = await transferSink(deps, options);
  const { volumeId } = names;
  let moved = { bytesRead: 0, newBytes: 0 };
  try {
    const manifest = await putImage({
      vault,
      path: image,
      ...names,
      toolVersion: await readToolVersion(),
      changed:
        list === undefined || since === undefined
          ? undefined
          : { pointId: since, list: (volumeBytes) => readChangedBlocks(list, volumeBytes) },
      resume: readRunId(options.resume),
      signal,
      onBegun: (runId) => deps.stderr.write(`run ${runId}; if it is interrupted, --resume ${runId} goes on with it\n`),
      onReadAll: (reason) => deps.stderr.write(`every block is read: ${terminalText(reason)}\n`),
      onProgress: ({ blocksDone, bytesRead, bytesStored, volumeBytes: bytesTotal }) => {
        moved = { bytesRead, newBytes: bytesStored };
        const bytesDone = Math.min(bytesTotal, blocksDone * BLOCK_BYTES);
        sink.show({ phase: 'put', volumeId, bytesDone, bytesTotal, bytesStored });
      },
    });
    sink.end();
    report(manifest, moved, { deps, options });
  } finally {
    await vault.close();
  }
}

function readRunId(text: string | undefined): string | undefined {
  if (text === undefined || RunId.safeParse(text).success) return text;
  throw new ConfigurationError(
    'InvalidInput',
    `--resume: '${text}' is no id of a run; the interrupted command told it`,
  );
}

const Names = z.strictObject({
  machineId: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, '--machine must be 1 to 64 of A-Z a-z 0-9 . _ -'),
  volumeId: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, '--volume must be 1 to 64 of A-Z a-z 0-9 . _ -'),
  name: z.string().max(1024).nullable(),
});

function readNames(image: string, { machine, volume = 'disk0', name }: PutOptions) {
  const fromFile = basename(image)
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 64);
  const parsed = Names.safeParse({ machineId: machine ?? fromFile, volumeId: volume, name: name ?? null });
  if (parsed.success) return parsed.data;
  throw invalidInput(parsed.error);
}

function report(
  { pointId, machine, volumes, parents }: Manifest,
  moved: { readonly bytesRead: number; readonly newBytes: number },
  { deps, options }: { readonly deps: CliDeps; readonly options: PutOptions },
): void {
  for (const { volumeId, volumeBytes, map } of volumes) {
    const { storedBlocks, storedBytes } = map;
    const parentId = parents[0]?.pointId ?? null;
    const facts = { pointId, parentId, machineId: machine.machineId, volumeId, volumeBytes, storedBlocks, storedBytes };
    if (options.json) jsonLines(deps.stdout).result({ ...facts, ...moved });
    else {
      const on = parentId === null ? '' : `, on ${parentId}`;
      deps.stdout.write(
        `point  ${pointId}  ${machine.machineId} ${volumeId}  ${formatBytes(volumeBytes)}, ${formatBytes(moved.newBytes)} new${on}\n`,
      );
    }
  }
}
