import { Command } from 'commander';
import type { CheckFinding, StoreReport } from '../vault/index.ts';
import { CommandEnd } from './command-end.ts';
import type { CliDeps } from './deps.ts';
import { EXIT } from './exit-codes.ts';
import { jsonLines } from './json-lines.ts';
import { terminalText } from './terminal-text.ts';

export function vaultCheckCommand(deps: CliDeps): Command {
  return new Command('check')
    .description('try whether a bucket or folder is fit for a vault; writes only below a prefix of its own')
    .argument('<vault-url>', 's3://bucket/prefix or file:///folder')
    .option('--must-lock', 'unfit unless recovery points can be locked')
    .option('--json', 'one finding per JSON line, then the result')
    .action((url: string, options: CheckOptions) => runVaultCheck(url, options, deps));
}

interface CheckOptions {
  readonly mustLock?: true;
  readonly json?: true;
}

async function runVaultCheck(
  url: string,
  { mustLock, json }: CheckOptions,
  { stdout, signal }: CliDeps,
): Promise<void> {
  const { checkStore, systemClock, systemRandomBytes } = await import('../vault/index.ts');
  const lines = jsonLines(stdout);
  const report = await checkStore({
    url,
    mustLock: mustLock === true,
    clock: systemClock,
    randomBytes: systemRandomBytes,
    signal,
    onFinding: (finding) => (json ? lines.item(finding) : stdout.write(describeFinding(finding))),
  });
  if (json) lines.result(report);
  else stdout.write(describeReport(report));
  if (report.verdict === 'unfit') throw new CommandEnd(EXIT.failed);
}

function describeFinding({ name, verdict, found, means, remedy }: CheckFinding): string {
  const lines = [`${verdict.padEnd(12)} ${name}: ${terminalText(found)}`];
  if (means) lines.push(`${' '.repeat(13)}so      ${means}`);
  if (remedy) lines.push(`${' '.repeat(13)}do      ${remedy}`);
  return `${lines.join('\n')}\n`;
}

function describeReport({ url, verdict, findings, left }: StoreReport): string {
  const count = (wanted: CheckFinding['verdict']) => findings.filter((finding) => finding.verdict === wanted).length;
  const counts = `${count('fit')} fit, ${count('missing')} missing, ${count('broken')} broken, ${count('not-checked')} not checked`;
  const lines = [...left.map((object) => `left         ${terminalText(object)}`), `${verdict}  ${url}: ${counts}`];
  return `${lines.join('\n')}\n`;
}
