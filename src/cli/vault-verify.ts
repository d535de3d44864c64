import { Command, Option } from 'commander';
import type { Finding, VaultVerdict, VerifyLevel, VerifyProgress, VolumeVerdict } from '../vault/index.ts';
import { mustBePointId } from '../vault/point-id.ts';
import { CommandEnd } from './command-end.ts';
import type { CliDeps } from './deps.ts';
import { EXIT } from './exit-codes.ts';
import { formatBytes } from './format.ts';
import { jsonLines } from './json-lines.ts';
import { terminalText } from './terminal-text.ts';
import { addKeyOptions, type KeyOptions } from './vault-access.ts';

interface VaultVerifyOptions extends KeyOptions {
  readonly level: VerifyLevel;
  readonly json?: true;
}

export function vaultVerifyCommand(deps: CliDeps): Command {
  const command = new Command('verify')
    .description('say what of a vault is sound: names every damaged object, who suffers from it and what remains')
    .argument('<vault>', 's3://bucket/prefix, file:///folder, or a name of temporal.config.ts')
    .argument('[point...]', 'only these recovery points')
    .addOption(
      new Option('--level <level>', 'structure: documents and sizes; sample: some blocks too; full: every block')
        .choices(['structure', 'sample', 'full'])
        .default('structure'),
    )
    .option('--json', 'one finding per JSON line, then the result');
  return addKeyOptions(command).action((vault: string, points: string[], options: VaultVerifyOptions) =>
    runVaultVerify({ vault, points }, options, deps),
  );
}

async function runVaultVerify(
  { vault: url, points }: { readonly vault: string; readonly points: readonly string[] },
  { level, json, ...keys }: VaultVerifyOptions,
  { stdout, stderr, signal }: CliDeps,
): Promise<void> {
  for (const pointId of points) mustBePointId(pointId);
  const { openVaultByName } = await import('./vault-by-name.ts');
  const { verifyVault } = await import('../vault/index.ts');
  const roles = level === 'structure' ? (['meta'] as const) : (['data', 'meta'] as const);
  const vault = await openVaultByName({ url, keys, roles, signal });
  const lines = jsonLines(stdout);
  try {
    const verdict = await verifyVault({
      vault,
      level,
      ...(points.length > 0 && { pointIds: points }),
      signal,
      onFinding: (finding) => (json ? lines.item(finding) : stdout.write(describeFinding(finding))),
      onProgress: progressLine({ stderr, json }),
    });
    if (json) lines.result(verdict);
    else stdout.write(describeVerdict(verdict));
    if (verdict.verdict === 'damaged') throw new CommandEnd(EXIT.red);
  } finally {
    await vault.close();
  }
}

// A line of progress for each percent would flood a log; one line that is rewritten needs a terminal.
function progressLine({ stderr, json }: { stderr: CliDeps['stderr']; json: true | undefined }) {
  if (json || stderr.isTTY !== true) return () => {};
  return ({ step, done, of }: VerifyProgress) =>
    void stderr.write(
      `\r\u001b[K${step} ${done}${of === undefined ? '' : ` of ${of}`}${done === of ? '\r\u001b[K' : ''}`,
    );
}

function describeFinding({ severity, object, found, remains, pointId, volumeId, blocks }: Finding): string {
  const where = [pointId, volumeId].filter((part) => part !== undefined).join(' ');
  const lost = blocks ? `: ${count(blocks.count, 'block')} lost (${blocks.ranges})` : '';
  const lines = [
    `${severity}  ${object}`,
    `  found    ${terminalText(withoutName(found, object))}`,
    ...(where === '' ? [] : [`  in       ${where}${lost}`]),
    `  remains  ${remains}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** Errors name their object first, for logs; here it stands on the line above. */
function withoutName(found: string, object: string): string {
  return found.startsWith(object) ? found.slice(object.length).replace(/^:?\s+/, '') : found;
}

function describeVerdict(found: VaultVerdict): string {
  const { verdict, level, points, packs, packsRead, blocksRead, bytesRead, damage, notices } = found;
  const damaged = points.filter((point) => point.verdict === 'damaged');
  const read =
    level === 'structure'
      ? 'no block read'
      : `${count(blocksRead, 'block')} in ${packsRead} of them opened (${formatBytes(bytesRead)})`;
  const looked = `${count(points.length, 'point')}, ${damaged.length} damaged; ${count(packs, 'pack')}, ${read}`;
  const lines = [
    `${verdict}  ${level}: ${looked}; ${count(damage, 'damage')}, ${count(notices, 'notice')}`,
    ...damaged.flatMap(({ pointId, volumes }) => volumes.map((volume) => describeVolume(pointId, volume))),
  ];
  return `${lines.join('\n')}\n`;
}

function describeVolume(pointId: string, { volumeId, storedBlocks, lostBlocks }: VolumeVerdict): string {
  return `  ${pointId} ${volumeId}: ${lostBlocks} of ${count(storedBlocks, 'stored block')} lost`;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
