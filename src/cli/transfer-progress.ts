import type { CliDeps, Output } from './deps.ts';
import { formatBar, formatBytes, formatClock } from './format.ts';
import { jsonLines } from './json-lines.ts';

/** How far a transfer of bytes is. */
export interface Transfer {
  /** Such as `write` or `read back`. */
  readonly phase: string;
  readonly volumeId: string;
  readonly bytesDone: number;
  /** May include bytes that turn out to need no work; left out where only the end tells. */
  readonly bytesTotal?: number;
  readonly bytesStored?: number;
}

export interface TransferSink {
  show(transfer: Transfer): void;
  /** The last state stays on the screen. */
  end(): void;
}

// Terminals are drawn often enough to look alive, programs told once a second, logs so that a day's job stays readable.
const EVERY_MS = { terminal: 100, json: 1000, log: 30_000 } as const;

/** Programs get lines on standard output, terminals one live line on standard error, logs a line every 30 seconds. */
export async function transferSink(
  { stdout, stderr, now }: Pick<CliDeps, 'stdout' | 'stderr' | 'now'>,
  { json }: { readonly json?: true | undefined },
): Promise<TransferSink> {
  const rate = rateOf(now);
  if (json) {
    const lines = jsonLines(stdout);
    return paced(EVERY_MS.json, now, {
      show: (transfer) => lines.progress({ ...transfer, bytesPerSecond: rate(transfer) }),
      end: () => {},
    });
  }
  if (isTerminal(stderr)) {
    // Only terminals need its thirty modules.
    const { createLogUpdate } = await import('log-update');
    const draw = createLogUpdate(stderr);
    const show = (transfer: Transfer) => draw(renderTransfer(transfer, rate(transfer)));
    return paced(EVERY_MS.terminal, now, { show, end: () => draw.done() });
  }
  return paced(EVERY_MS.log, now, {
    show: (transfer) => void stderr.write(`${renderTransfer(transfer, rate(transfer))}\n`),
    end: () => {},
  });
}

function isTerminal(output: Output): output is Output & NodeJS.WritableStream {
  return output.isTTY === true && 'on' in output;
}

/** Lets the first and the last word of each phase pass, and between them one per pause. */
function paced(everyMs: number, now: () => Date, { show, end }: TransferSink): TransferSink {
  let shown: Transfer | undefined;
  let shownAt = 0;
  let held: Transfer | undefined;
  const tell = (transfer: Transfer) => {
    shown = transfer;
    shownAt = now().getTime();
    held = undefined;
    show(transfer);
  };
  return {
    show(transfer) {
      const samePhase = shown?.phase === transfer.phase && shown.volumeId === transfer.volumeId;
      if (!samePhase && held) tell(held);
      if (!samePhase || now().getTime() - shownAt >= everyMs) tell(transfer);
      else held = transfer;
    },
    end() {
      if (held) tell(held);
      end();
    },
  };
}

/** Bytes per second since the phase began; what was there already does not count as speed. */
function rateOf(now: () => Date): (transfer: Transfer) => number {
  let began: { readonly key: string; readonly at: number; readonly bytes: number } | undefined;
  return ({ phase, volumeId, bytesDone }) => {
    const key = `${phase} ${volumeId}`;
    const at = now().getTime();
    if (began?.key !== key) began = { key, at, bytes: bytesDone };
    return at === began.at ? 0 : Math.round(((bytesDone - began.bytes) * 1000) / (at - began.at));
  };
}

function renderTransfer({ phase, volumeId, bytesDone, bytesTotal, bytesStored }: Transfer, rate: number): string {
  const parts = [phase.padEnd(9)];
  if (bytesTotal === undefined) parts.push(volumeId, formatBytes(bytesDone));
  else
    parts.push(formatBar(bytesDone, bytesTotal), volumeId, `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}`);
  if (bytesStored !== undefined && bytesDone > 0) parts.push(`${formatBytes(bytesStored)} stored`);
  if (rate > 0) parts.push(`${formatBytes(rate)}/s`);
  if (rate > 0 && bytesTotal !== undefined) parts.push(`eta ${formatClock(((bytesTotal - bytesDone) / rate) * 1000)}`);
  return parts.join('  ');
}
