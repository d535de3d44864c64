import { Command } from 'commander';
import type { Entry } from '../disk/tree/file-tree.ts';
import { isoNs } from '../disk/tree/iso-ns.ts';
import { bytesShownAs } from '../disk/tree/shown-bytes.ts';
import { UnderstudyError } from '../errors.ts';
import type { Manifest, Vault } from '../vault/index.ts';
import type { CliDeps } from './deps.ts';
import { jsonLines } from './json-lines.ts';
import { addPointOptions, type PointOptions } from './point-access.ts';
import { openFilesOf } from './point-files.ts';
import { terminalText } from './terminal-text.ts';

interface HistoryOptions extends PointOptions {
  readonly json?: true;
}

interface Version {
  readonly state: 'first' | 'same' | 'differs' | 'absent' | 'unreadable';
  readonly entry?: Entry;
  readonly reason?: string;
}

export function historyCommand(deps: CliDeps): Command {
  const command = new Command('history')
    .description('in which recovery points a file differed; reads no more than the folders above it')
    .argument('<path>', 'such as /etc/hosts, as files ls shows it')
    .option('--json', 'JSON lines on standard output: an item per point, oldest first, then one result');
  return addPointOptions(command).action((path: string, options: HistoryOptions) => runHistory(path, options, deps));
}

async function runHistory(path: string, options: HistoryOptions, deps: CliDeps): Promise<void> {
  const { stdout, stderr, signal } = deps;
  const { openVaultByName } = await import('./vault-by-name.ts');
  const vault = await openVaultByName({ url: options.vault, keys: options, roles: ['data', 'meta'], signal });
  const before = new Map<string, Entry | undefined>();
  let points = 0;
  try {
    for await (const manifest of pointsOf(vault, options.machine, signal)) {
      const { pointId, machine, capture } = manifest;
      const version = await readVersion({ vault, manifest }, path, { before: before.get(machine.machineId), signal });
      if (version.state !== 'unreadable') before.set(machine.machineId, version.entry);
      points++;
      const { state, entry, reason } = version;
      const facts = entry && { bytes: entry.size, modifiedAt: isoNs(entry.mtimeNs), changedAt: isoNs(entry.ctimeNs) };
      if (options.json) {
        const whose = { pointId, machineId: machine.machineId, capturedAt: capture.capturedAt };
        jsonLines(stdout).item({ ...whose, state, ...facts, ...(reason !== undefined && { reason }) });
      } else {
        const found = facts ? `${facts.bytes} bytes, modified ${facts.modifiedAt.slice(0, 19)}` : (reason ?? '');
        stdout.write(`${capture.capturedAt}  ${pointId}  ${state.padEnd(10)}  ${terminalText(found)}\n`);
      }
    }
  } finally {
    await vault.close();
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
  point: { readonly vault: Vault; readonly manifest: Manifest },
  path: string,
  { before, signal }: { readonly before: Entry | undefined; readonly signal: AbortSignal },
): Promise<Version> {
  const files = await openFilesOf(point, undefined, signal);
  try {
    const found = await files.machine.find(bytesShownAs(path), signal);
    if (!found) return { state: 'absent' };
    const { entry } = found;
    if (!before) return { state: 'first', entry };
    // Any change of content, owner, mode or name count moves the change time, and programs cannot set it back.
    const isSame = before.inode === entry.inode && before.ctimeNs === entry.ctimeNs && before.size === entry.size;
    return { state: isSame ? 'same' : 'differs', entry };
  } catch (error) {
    if (!(error instanceof UnderstudyError) || error.status !== 'permanent') throw error;
    return { state: 'unreadable', reason: error.message };
  } finally {
    await files.close();
  }
}
