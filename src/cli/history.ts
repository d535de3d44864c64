import { Command } from 'commander';
import { UnderstudyError } from '../errors.ts';
import type { FileVersion, FindVersionRequest } from '../search/find-version.ts';
import type { Manifest, Vault } from '../vault/index.ts';
import type { CliDeps } from './deps.ts';
import { jsonLines } from './json-lines.ts';
import { addPointOptions, type PointOptions } from './point-access.ts';
import { openSearchVault } from './search-vault.ts';
import { terminalText } from './terminal-text.ts';

interface HistoryOptions extends PointOptions {
  readonly json?: true;
}

interface Version {
  readonly state: 'first' | 'same' | 'differs' | 'absent' | 'unreadable';
  readonly found?: FileVersion;
  readonly reason?: string;
}

export function historyCommand(deps: CliDeps): Command {
  const command = new Command('history')
    .description('in which recovery points a file differed: from their indexes, else from the folders above it')
    .argument('<path>', 'such as /etc/hosts, as files ls shows it')
    .option('--json', 'JSON lines on standard output: an item per point, oldest first, then one result');
  return addPointOptions(command).action((path: string, options: HistoryOptions) => runHistory(path, options, deps));
}

async function runHistory(path: string, options: HistoryOptions, deps: CliDeps): Promise<void> {
  const { stdout, stderr, signal } = deps;
  const { vault, openData, close } = await openSearchVault(options, signal);
  const before = new Map<string, FileVersion | undefined>();
  let points = 0;
  try {
    for await (const manifest of pointsOf(vault, options.machine, signal)) {
      const { pointId, machine, capture } = manifest;
      const version = await readVersion({ vault, openData, manifest }, path, {
        before: before.get(machine.machineId),
        signal,
      });
      if (version.state !== 'unreadable') before.set(machine.machineId, version.found);
      points++;
      const { state, found, reason } = version;
      const facts = found && { bytes: found.bytes, modifiedAt: found.modifiedAt, changedAt: found.changedAt };
      if (options.json) {
        const whose = { pointId, machineId: machine.machineId, capturedAt: capture.capturedAt };
        jsonLines(stdout).item({ ...whose, state, ...facts, ...(reason !== undefined && { reason }) });
      } else {
        const text = facts ? `${facts.bytes} bytes, modified ${facts.modifiedAt.slice(0, 19)}` : (reason ?? '');
        stdout.write(`${capture.capturedAt}  ${pointId}  ${state.padEnd(10)}  ${terminalText(text)}\n`);
      }
    }
  } finally {
    await close();
  }
  if (options.json) jsonLines(stdout).result({ points });
  else if (points === 0) stderr.write('no recovery points\n');
}

async function* pointsOf(vault: Vault, machineId: string | undefined, signal: AbortSignal): AsyncIterable<Manifest> {
  const { listPoints } = await import('../vault/index.ts');
  for await (const found of listPoints({ vault, signal })) {
    if (found.state !== 'committed' || found.expired !== null) continue;
    if (machineId === undefined || found.manifest.machine.machineId === machineId) yield found.manifest;
  }
}

async function readVersion(
  point: Pick<FindVersionRequest, 'vault' | 'openData' | 'manifest'>,
  path: string,
  { before, signal }: { readonly before: FileVersion | undefined; readonly signal: AbortSignal },
): Promise<Version> {
  const { findVersion, isSameVersion } = await import('../search/find-version.ts');
  const { createKernelReader } = await import('../appliance/kernel-reader.ts');
  try {
    const found = await findVersion({ ...point, path, openOthers: createKernelReader, signal });
    if (!found) return { state: 'absent' };
    if (!before) return { state: 'first', found };
    return { state: isSameVersion(before, found) ? 'same' : 'differs', found };
  } catch (error) {
    if (!(error instanceof UnderstudyError) || error.status !== 'permanent') throw error;
    return { state: 'unreadable', reason: error.message };
  }
}
