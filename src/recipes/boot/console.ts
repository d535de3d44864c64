import type { Fact } from '../../contract/evidence.ts';
import { guestText } from '../../disk/guest-text.ts';

/** One numbered line of the boot script. A hint for people: any program in the guest can print the same. */
export interface ProgressLine {
  readonly n: number;
  /** Such as `started`, `detected`, `recovered`, `probed`, `powering-off`, `failed`. */
  readonly step: string;
  readonly recipe?: string;
  readonly ok?: boolean;
  /** What agents have written so far. */
  readonly bytes?: number;
  /** Neutralised guest text. */
  readonly text?: string;
}

export interface ConsoleReading {
  readonly progress: readonly ProgressLine[];
  /** `dirty` when the console contradicts an orderly end, `not-observed` when there is none. */
  readonly fact: Fact;
}

/** EC2 keeps the last 64 KB (GetConsoleOutput); more is not looked at. */
const CONSOLE_BYTES = 65_536;
/** A script of three recipes prints about 15 lines; an agent's progress, ever rarer, 60 in four hours. */
const MAX_PROGRESS_LINES = 200;

/** What contradicts an orderly end. Lines the boot script itself prints are left out before matching. */
const CONTRADICTIONS: readonly { readonly pattern: RegExp; readonly meaning: string }[] = [
  { pattern: /Kernel panic|end Kernel panic|Oops:|general protection fault/, meaning: 'the kernel panicked' },
  { pattern: /emergency mode|emergency\.target|Give root password for maintenance/i, meaning: 'emergency mode' },
  // systemd-shutdown names what ignored SIGTERM and is killed (src/shutdown and src/shared/killall.c of systemd), with its own
  // name before it or not (boot.sh: log-target). At each orderly end it says "Sending SIGKILL to remaining processes...".
  {
    pattern: /Sending SIGKILL to PID|systemd-shutdown\[\d+\]: Process .* has been killed/,
    meaning: 'killed at shutdown',
  },
  {
    pattern: /(State '?(stop|final)-?sig(term|kill|abrt)'? timed out|stop-sigterm.*timed out)/i,
    meaning: 'killed at shutdown',
  },
  // systemd also says so where it only asks: of what a session left behind.
  { pattern: /Killing (?!.* with signal SIG(TERM|HUP))\S+|Killed (at|during) shutdown/, meaning: 'killed at shutdown' },
  { pattern: /did not stop in time/, meaning: 'a process ignored the shutdown' },
  { pattern: /Out of memory: Kill/, meaning: 'a process was killed for memory' },
  {
    pattern: /file ?system stayed busy|Failed to (unmount|remount)|Could not (unmount|detach)|target is busy/i,
    meaning: 'a file system stayed busy',
  },
  {
    pattern: /EXT4-fs error|XFS \([^)]*\): Corruption|I\/O error, dev|Buffer I\/O error/,
    meaning: 'an error on a disk',
  },
];

/** Reads a console as the guest left it. Any bytes give a reading: the text is hostile and proves nothing by itself. */
export function readConsole(bytes: Uint8Array | undefined, runId: string): ConsoleReading {
  if (bytes === undefined || bytes.length === 0) {
    return { progress: [], fact: { name: 'console', verdict: 'not-observed', found: 'no console output' } };
  }
  const text = new TextDecoder().decode(bytes.subarray(Math.max(0, bytes.length - CONSOLE_BYTES)));
  const lines = text.split(/[\r\n]+/);
  const progress: ProgressLine[] = [];
  const rest: string[] = [];
  for (const line of lines) {
    const own = parseProgress(line, runId);
    if (own === undefined) rest.push(line);
    else if (progress.length < MAX_PROGRESS_LINES) progress.push(own);
  }
  return { progress, fact: judgeLines(rest) };
}

function judgeLines(lines: readonly string[]): Fact {
  for (const line of lines) {
    const hit = CONTRADICTIONS.find(({ pattern }) => pattern.test(line));
    if (hit)
      return { name: 'console', verdict: 'dirty', found: guestText(`${hit.meaning}: "${guestText(line, 140)}"`) };
  }
  return { name: 'console', verdict: 'clean', found: 'nothing on the console contradicts an orderly end' };
}

function parseProgress(line: string, runId: string): ProgressLine | undefined {
  const at = line.indexOf(`UNDERSTUDY ${runId} `);
  if (at === -1) return undefined;
  const match = /^(\d{1,6}) (\{.{0,1024}\})\s*$/.exec(line.slice(at + `UNDERSTUDY ${runId} `.length));
  if (!match?.[1] || !match[2]) return undefined;
  try {
    return progressOf(Number(match[1]), JSON.parse(match[2]));
  } catch {
    return undefined; // torn by a kernel line, or forged: a hint less
  }
}

function progressOf(n: number, value: unknown): ProgressLine | undefined {
  if (typeof value !== 'object' || value === null || !('step' in value) || typeof value.step !== 'string')
    return undefined;
  return {
    n,
    step: guestText(value.step, 40),
    ...('recipe' in value && typeof value.recipe === 'string' && { recipe: guestText(value.recipe, 63) }),
    ...('ok' in value && typeof value.ok === 'boolean' && { ok: value.ok }),
    ...('bytes' in value && Number.isSafeInteger(value.bytes) && { bytes: Number(value.bytes) }),
    ...('text' in value && typeof value.text === 'string' && { text: guestText(value.text) }),
  };
}
