import { runCli } from '../../src/cli/program.ts';
import { NEVER } from './vault-fixture.ts';

export interface CliOutput {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One command line that works on a vault alone: real files, no fakes; Temporal must not be asked. */
export async function runVaultCli(...args: readonly string[]): Promise<CliOutput> {
  const written = { stdout: '', stderr: '' };
  const refuse = async () => {
    throw new Error('a command on a vault opened something else');
  };
  const exitCode = await runCli(args, {
    // Bytes of files as one character each, so that a test sees them exactly.
    stdout: {
      write: (text) => (written.stdout += typeof text === 'string' ? text : Buffer.from(text).toString('latin1')),
    },
    stderr: { write: (text) => (written.stderr += text) },
    now: () => new Date('2026-11-23T03:00:00.000Z'),
    sleep: refuse,
    signal: NEVER,
    newRequestId: () => 'request-1',
    openBackups: refuse,
    openPoints: refuse,
    openRetention: refuse,
    openForecasts: refuse,
    readCoverage: refuse,
    openExtracts: refuse,
    openDump: refuse,
    openSetUp: refuse,
    runWorker: refuse,
  });
  return { exitCode, ...written };
}
