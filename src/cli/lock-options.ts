import { type Command, InvalidArgumentError, Option } from 'commander';
import { ConfigurationError } from '../errors.ts';
import type { LockPolicy } from '../vault/index.ts';

/** How commands that know no configuration are told of Object Lock. */
export interface LockOptions {
  readonly lock?: LockPolicy['mode'];
  readonly lockDays?: number;
}

export function addLockOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--lock <mode>', 'lock what is written; the bucket must have Object Lock').choices([
        'governance',
        'compliance',
      ]),
    )
    .option('--lock-days <days>', 'for so many days from the beginning of the run', days);
}

/** Undefined when no lock was asked for. */
export function lockOf({ lock, lockDays }: LockOptions): LockPolicy | undefined {
  if (lock !== undefined && lockDays !== undefined) return { mode: lock, days: lockDays };
  if (lock === undefined && lockDays === undefined) return undefined;
  throw new ConfigurationError('InvalidInput', '--lock and --lock-days belong together: which lock, for how long?');
}

function days(text: string): number {
  // As in the configuration: a longer lock than 100 years is a slip of the keyboard.
  if (/^[1-9]\d{0,4}$/.test(text) && Number(text) <= 36_500) return Number(text);
  throw new InvalidArgumentError('give a number of days, such as 30.');
}
