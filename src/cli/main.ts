#!/usr/bin/env node
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { keepCompiledCode } from './compile-cache.ts';
import type { CliDeps } from './deps.ts';
import { ensureHome } from './ensure-home.ts';
import { EXIT } from './exit-codes.ts';
import { restartFrugally } from './frugal-process.ts';

/** As a shell shows a program that SIGPIPE ended. */
const CLOSED_PIPE = 128 + 13;

/** What an ending worker says is a few lines. */
const LAST_WORDS_MS = 2_000;

const interrupted = new AbortController();
// The second one is Node's own: it ends the process at once.
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => interrupted.abort(new Error('interrupted')));

// `understudy points | head -1` closes the pipe: what ends other programs by a signal is an error of the stream in Node.
process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
  if (code === 'EPIPE') process.exit(CLOSED_PIPE);
  process.stderr.write(`understudy: standard output cannot be written (${code ?? message})\n`);
  process.exit(EXIT.failed);
});
// Nobody reads what is told there (a full disk, a terminal that was closed), which is no reason to end a backup.
process.stderr.on('error', () => {});

const { env } = process;
ensureHome(env);
// Before anything of size is loaded.
keepCompiledCode(env);
const { signal } = interrupted;

// Blocks live outside of V8's heap, which still lets its young part grow to 100 MiB per thread for what little stands
// beside them: 409 MiB resident for a mover without this, 313 with it, and no slower (4 GiB, 512 MiB of it written).
setFlagsFromString('--semi-space-growth-factor=1');

/** Modules load when a command needs them: `understudy points` need not wait for Temporal's native code. */
const deps: CliDeps = {
  stdout: process.stdout,
  stderr: process.stderr,
  now: () => new Date(),
  sleep: (ms, over) => wait(ms, undefined, { signal: over }),
  signal,
  newRequestId: randomUUID,
  openBackups: async () => (await import('./temporal-backups.ts')).openTemporalBackups(env),
  openPoints: async (vault) => (await import('./vault-points.ts')).openVaultPoints(vault, signal),
  openRetention: async (vault, access) =>
    (await import('./vault-retention.ts')).openVaultRetention(vault, access, signal),
  readCoverage: async () => (await import('../workers/plan-coverage.ts')).readPlanCoverage(signal),
  openForecasts: async (vault) => (await import('./vault-forecasts.ts')).openVaultForecasts(vault, signal),
  openExtracts: async (vault) => (await import('./vault-extracts.ts')).openVaultExtracts(vault, signal),
  openDump: async (wanted) => (await import('./vault-dump.ts')).openVaultDump(wanted, signal),
  openSetUp: async () => (await import('./set-up.ts')).openRealSetUp(env, signal),
  async runWorker(role) {
    restartFrugally(env);
    const { runWorker } = await import('../workers/run-worker.ts');
    const log = (line: string) => void process.stderr.write(`${line}\n`);
    // Temporal's runtime ends workers on SIGINT and SIGTERM by itself, but only those that run already.
    try {
      await runWorker({ role, log, signal, onReady: () => log(`${role} worker is ready`) });
    } finally {
      // A worker that could not be made leaves threads and handles of Temporal's behind. They would keep this process for ever,
      // working for nobody, and no supervisor would start it anew.
      setTimeout(() => process.exit(), LAST_WORDS_MS).unref();
    }
  },
};

// exitCode and not exit(): what is still being written to a pipe must arrive.
const { runCli } = await import('./program.ts');
process.exitCode = await runCli(process.argv.slice(2), deps);
