import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { waitFor } from './wait-for.ts';

const Machine = z.object({ serialFile: z.string() });

/** Everything that a machine of the lab has written to its serial port, beyond EC2's window and end of life. */
export async function readSerial(control: string, instanceId: string): Promise<string> {
  const answer = await fetch(`${control}/v1/instances/${instanceId}`);
  if (!answer.ok) throw new Error(`the local cloud knows no ${instanceId}: ${await answer.text()}`);
  const { serialFile } = Machine.parse(await answer.json());
  return readFile(serialFile, 'latin1').catch(() => ''); // before its first start there is none
}

export interface ConsoleWish {
  readonly control: string;
  readonly instanceId: string;
  readonly pattern: RegExp;
  readonly limitMs?: number;
}

/** Resolves as soon as the console matches: within about 50 ms, so that a test can act before the guest's next step. */
export function serialShows({ control, instanceId, pattern, limitMs = 180_000 }: ConsoleWish): Promise<string> {
  const read = () => readSerial(control, instanceId);
  return waitFor(async () => pattern.exec(await read())?.[0], {
    limitMs,
    what: `the console of ${instanceId} shows ${pattern}`,
    otherwise: read,
  });
}
