import { Command, InvalidArgumentError } from 'commander';
import { ConfigurationError } from '../errors.ts';
import type { Manifest, ManifestVolume, WrittenVolume } from '../vault/index.ts';
import { startThreads } from '../vault/threads.ts';
import type { CliDeps } from './deps.ts';
import { formatBytes } from './format.ts';
import { jsonLines } from './json-lines.ts';
import { transferSink } from './transfer-progress.ts';
import { tellUnreadable } from './unreadable-point.ts';
import { addKeyOptions, type KeyOptions, openVaultAt } from './vault-access.ts';

interface GetOptions extends KeyOptions {
  readonly machine?: string;
  readonly volume?: string;
  readonly offset?: number;
  readonly bytes?: number;
  readonly readBack?: true;
  readonly overwriteDevice?: true;
  readonly json?: true;
}

export function vaultGetCommand(deps: CliDeps): Command {
  const command = new Command('get')
    .description('write one volume of a recovery point as a raw image; goes on with what an earlier attempt left')
    .argument('<vault-url>', 's3://bucket/prefix or file:///folder')
    .argument('<point>', 'id of the recovery point, or latest')
    .argument('<image>', 'file that does not exist yet, or a block device')
    .option('--machine <id>', 'with latest: of this machine')
    .option('--volume <id>', 'which volume, if the point holds several')
    .option('--offset <byte>', 'only a part of the volume: from this byte', wholeNumber)
    .option('--bytes <n>', 'and so many bytes', wholeNumber)
    .option('--read-back', 'read the image once more after it was synced and compare')
    .option('--overwrite-device', 'write over a block device')
    .option('--json', 'JSON lines on standard output: progress, then one result');
  return addKeyOptions(command).action((url: string, pointId: string, image: string, options: GetOptions) =>
    runGet({ url, pointId, image }, options, deps),
  );
}

interface GetRequest {
  readonly url: string;
  readonly pointId: string;
  readonly image: string;
}

async function runGet({ url, pointId, image: path }: GetRequest, options: GetOptions, deps: CliDeps): Promise<void> {
  // A part is a few blocks, and needs no more threads than it has jobs.
  const threads = options.bytes === undefined ? startThreads() : undefined;
  const { findPoint, writeVolume, writeRange } = await import('../vault/index.ts');
  const { signal } = deps;
  const { offset, bytes, machine: machineId, overwriteDevice } = options;
  if ((offset === undefined) !== (bytes === undefined))
    throw new ConfigurationError('InvalidInput', '--offset and --bytes belong together');
  const vault = await openVaultAt({ url, keys: options, roles: ['data', 'meta'], threads, signal });
  const sink = await transferSink(deps, options);
  try {
    const manifest = await findPoint({ vault, pointId, machineId, onUnreadable: tellUnreadable(deps), signal });
    const { volumeId, map } = chooseVolume(manifest, options.volume);
    const from = { vault, volumeId, map, path, signal };
    if (offset !== undefined && bytes !== undefined) {
      await writeRange({ ...from, offset, bytes });
      report(manifest, { volumeId, path, bytes }, { deps, options });
      return;
    }
    const written = await writeVolume({
      ...from,
      readBack: options.readBack === true,
      overwriteDevice,
      onProgress: (progress) => sink.show({ ...progress, volumeId }),
    });
    sink.end();
    report(manifest, { volumeId, ...factsOf(written) }, { deps, options });
  } finally {
    if (signal.aborted) deps.stderr.write('what is written stays as .partial; the same command goes on with it\n');
    await vault.close();
  }
}

function factsOf({ path, volumeBytes, bytesWritten, bytesKept }: WrittenVolume) {
  return { path, bytes: volumeBytes, bytesWritten, bytesKept };
}

function chooseVolume({ pointId, volumes }: Manifest, wanted: string | undefined): ManifestVolume {
  const [first] = volumes;
  const found = wanted === undefined && volumes.length === 1 ? first : volumes.find((v) => v.volumeId === wanted);
  if (found) return found;
  const known = volumes.map(({ volumeId }) => volumeId).join(', ');
  const message = `${pointId} holds ${known}; name one of them with --volume, or use \`understudy recover\` for all`;
  throw new ConfigurationError('InvalidInput', message);
}

function report(
  { pointId }: Manifest,
  facts: { readonly volumeId: string; readonly path: string; readonly bytes: number },
  { deps, options }: { readonly deps: CliDeps; readonly options: GetOptions },
): void {
  if (options.json) jsonLines(deps.stdout).result({ pointId, ...facts });
  else deps.stdout.write(`image  ${facts.path}  ${facts.volumeId} of ${pointId}, ${formatBytes(facts.bytes)}\n`);
}

function wholeNumber(value: string): number {
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('must be a whole number of bytes.');
}
