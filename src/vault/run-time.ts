import { FormatError } from '../errors.ts';

/** When a run began, in Unix milliseconds: its id begins with it. */
export function runTime(runId: string): number {
  const time = Date.parse(
    runId.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-[0-9a-f]{8}$/, '$1-$2-$3T$4:$5:$6.000Z'),
  );
  if (!Number.isNaN(time)) return time;
  throw new FormatError(`'${runId}' is no run id: it must be <yyyymmddThhmmssZ>-<8 hex>`);
}
