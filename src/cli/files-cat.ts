import { Command } from 'commander';
import { shownBytes } from '../disk/tree/shown-bytes.ts';
import { ConfigurationError } from '../errors.ts';
import type { CliDeps } from './deps.ts';
import { addPointOptions } from './point-access.ts';
import { openPointFiles, type PointFilesOptions } from './point-files.ts';
import { writeBytes } from './write-bytes.ts';

// A vault's block eight times: read ahead, and shown as it comes.
const CHUNK_BYTES = 4 << 20;

export function filesCatCommand(deps: CliDeps): Command {
  const command = new Command('cat')
    .description("a file's bytes on standard output")
    .argument('<point:/path>', 'such as latest:/etc/hosts')
    .option('--volume <id...>', 'only these volumes, the first of them as the root');
  return addPointOptions(command).action((named: string, options: PointFilesOptions) => runCat(named, options, deps));
}

async function runCat(named: string, options: PointFilesOptions, { stdout, stderr, signal }: CliDeps): Promise<void> {
  const files = await openPointFiles(named, options, { stderr, signal });
  try {
    const { tree, entry, path } = files.from;
    if (entry.kind !== 'file') {
      const to = entry.kind === 'link' ? ` to ${shownBytes(await tree.readLink(entry, signal))}; name that` : '';
      throw new ConfigurationError('InvalidInput', `${shownBytes(path)} is a ${entry.kind}${to}`);
    }
    for (let at = 0; at < entry.size; at += CHUNK_BYTES) {
      await writeBytes(stdout, await tree.read(entry, at, Math.min(CHUNK_BYTES, entry.size - at), signal), signal);
    }
  } finally {
    await files.close();
  }
}
