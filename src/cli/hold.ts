import { randomBytes } from 'node:crypto';
import { Command } from 'commander';
import type { Hold, HoldProgress } from '../vault/index.ts';
import { mustBePointId } from '../vault/point-id.ts';
import type { CliDeps } from './deps.ts';
import { jsonLines } from './json-lines.ts';
import { terminalText } from './terminal-text.ts';
import { addKeyOptions, type KeyOptions } from './vault-access.ts';

interface HoldOptions extends KeyOptions {
  readonly reason: string;
  readonly release?: true;
  readonly vault?: string;
  readonly json?: true;
}

export function holdCommand(deps: CliDeps): Command {
  const command = new Command('hold')
    .description('stop expiry of a recovery point until the hold is released; repeatable')
    .argument('<point>', 'id of the recovery point')
    .option('--vault <vault>', 'name of temporal.config.ts, s3://bucket/prefix or file:///folder')
    .requiredOption('--reason <text>', 'why; it stays in the vault for ever')
    .option('--release', 'end every hold that stands on the point')
    .option('--json', 'one result as JSON');
  return addKeyOptions(command).action((pointId: string, options: HoldOptions) => runHold(pointId, options, deps));
}

async function runHold(pointId: string, options: HoldOptions, deps: CliDeps): Promise<void> {
  const { reason, release, vault: url, json, ...keys } = options;
  mustBePointId(pointId);
  const { signal, now, stdout } = deps;
  const { openVaultByName } = await import('./vault-by-name.ts');
  const { holdPoint, holdsOf, releasePoint } = await import('../vault/index.ts');
  const vault = await openVaultByName({ url, keys, roles: ['meta', 'control'], signal });
  const request = { vault, pointId, reason, signal, onProgress: progressLine(deps, json) };
  try {
    const ended = release ? await releasePoint(request) : [];
    if (!release) await holdPoint({ ...request, holdId: newHoldId(now()) });
    const holds = await holdsOf({ vault, pointId, signal });
    if (json) jsonLines(stdout).result({ pointId, holds, released: ended });
    else stdout.write(describeHolds(pointId, { holds, ended }));
  } finally {
    await vault.close();
  }
}

/** Shaped as a run's id: its time first, so that holds sort. */
function newHoldId(now: Date): string {
  return `${now.toISOString().replace(/[-:]|\.\d+/g, '')}-${randomBytes(4).toString('hex')}`;
}

function progressLine({ stderr }: CliDeps, json: true | undefined) {
  if (json || stderr.isTTY !== true) return () => {};
  return ({ done, objects }: HoldProgress) =>
    void stderr.write(`\r\u001b[K${done} of ${objects} objects${done === objects ? '\r\u001b[K' : ''}`);
}

function describeHolds(pointId: string, { holds, ended }: { holds: readonly Hold[]; ended: readonly Hold[] }): string {
  const tell = (word: string) => (hold: Hold) =>
    `${word.padEnd(9)} ${pointId} since ${hold.placedAt}: ${terminalText(hold.reason)}`;
  const lines = [...ended.map(tell('released')), ...holds.map(tell('held'))];
  return `${(lines.length > 0 ? lines : [`free      ${pointId}: no hold stands`]).join('\n')}\n`;
}
