import type { Failure } from './failure.ts';

/** What a script may rely on (docs/architecture.md). */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  red: 4,
  /** 128 + SIGINT, as shells report it: nobody waited for the end, the run goes on. */
  stoppedWatching: 130,
  /** The same number: work of this very process was stopped; what was made so far stays for the next attempt. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

// What was given must change before the command can be tried again.
const USAGE: ReadonlySet<string> = new Set(['InvalidInput', 'InvalidConfiguration', 'UnknownName']);
// Found while the request is resolved, which belongs to preflight for whoever asked.
const REFUSALS: ReadonlySet<string> = new Set(['PreflightRefused', 'InstanceNotFound']);

/** `duringPreflight`: the run ended in its first phase, so nothing of the account was touched. */
export function exitCodeOf({ code }: Failure, { duringPreflight = false } = {}): ExitCode {
  if (USAGE.has(code)) return EXIT.usage;
  if (duringPreflight || REFUSALS.has(code)) return EXIT.refused;
  return code === 'VerificationFailed' ? EXIT.red : EXIT.failed;
}
