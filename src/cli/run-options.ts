import { type Command, InvalidArgumentError, Option } from 'commander';
import type { PointOptions } from './point-access.ts';

export interface RunOptions extends PointOptions {
  readonly forward: readonly WantedForward[];
  readonly folder?: string;
  readonly keep?: true;
  readonly memory: number;
  readonly cpus: number;
  readonly accel?: 'kvm' | 'tcg';
  readonly firmware?: 'bios' | 'uefi';
  readonly cache?: string;
  readonly json?: true;
}

export interface WantedForward {
  /** 0: any free one. */
  readonly hostPort: number;
  readonly guestPort: number;
}

export function addRunOptions(command: Command): Command {
  return command
    .option(
      '--forward <[host:]guest>',
      'port of 127.0.0.1 that leads to a port of the machine; repeatable',
      forward,
      [],
    )
    .option('--folder <path>', 'where what the machine writes is kept; left out: a new one')
    .option('--keep', 'keep what it wrote; the same --folder goes on with it')
    .option('--memory <MiB>', 'memory of the machine', wholeNumber, 2048)
    .option('--cpus <n>', 'processors of the machine', wholeNumber, 2)
    .addOption(new Option('--accel <how>', 'left out: kvm when it works here').choices(['kvm', 'tcg']))
    .addOption(new Option('--firmware <kind>', 'left out: as the machine booted').choices(['bios', 'uefi']))
    .option('--cache <folder>', 'keep blocks on this disk, decrypted, so that they are fetched once')
    .option('--json', 'JSON lines on standard output: progress when it is up, a result at the end');
}

function forward(value: string, before: readonly WantedForward[]): WantedForward[] {
  const match = /^(?:(\d{1,5}):)?(\d{1,5})$/.exec(value);
  const [hostPort, guestPort] = [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)];
  if (!match || hostPort > 65_535 || guestPort < 1 || guestPort > 65_535)
    throw new InvalidArgumentError('must be <guest port>, or <host port>:<guest port>.');
  return [...before, { hostPort, guestPort }];
}

function wholeNumber(value: string): number {
  if (/^[1-9]\d{0,6}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('must be a whole number.');
}
