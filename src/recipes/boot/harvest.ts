import type { AgentRecord, Harvest, RecipeAnswer } from '../../contract/evidence.ts';
import { guestText, guestTextOf } from '../../disk/guest-text.ts';

/** Beside the agents' records, one of the file system that they wrote to; so no recipe can have this name. */
export const OUTPUT_RECORD = 'output';

const RECORD_NAME = /^agents\/([a-z][a-z0-9-]{0,62})\.record$/;
/** harvest.sh writes nine lines of at most 80 characters. */
const RECORD_BYTES = 1_024;
const SHA256 = /^[0-9a-f]{64}$/;

/**
 * What harvest.sh recorded, in the order in which agents ran; undefined where none were to run. Any bytes give a reading: a
 * guest wrote them.
 */
export function readHarvest(
  files: ReadonlyMap<string, Uint8Array>,
  answers: readonly RecipeAnswer[],
): Harvest | undefined {
  const output = files.get(`agents/${OUTPUT_RECORD}.record`);
  if (output === undefined) return undefined;
  const records: PlacedRecord[] = [];
  for (const [name, bytes] of files) {
    const recipe = RECORD_NAME.exec(name)?.[1];
    if (recipe === undefined || recipe === OUTPUT_RECORD) continue;
    const record = readRecord(recipe, bytes, answers);
    if (record) records.push(record);
  }
  const inOrder = records.sort((a, b) => a.place - b.place).map(({ record }) => record);
  const word = guestTextOf(output, 200).trim();
  return {
    records: inOrder,
    ...(!word.startsWith('unmounted 1') && { unusable: guestText(word.replace(/^failed /, '')) }),
  };
}

interface PlacedRecord {
  /** 1 for the agent that ran first. */
  readonly place: number;
  readonly record: AgentRecord;
}

/** Undefined when a measured value is missing or is no number: such a record proves nothing. */
function readRecord(recipe: string, bytes: Uint8Array, answers: readonly RecipeAnswer[]): PlacedRecord | undefined {
  const text = new TextDecoder().decode(bytes.subarray(0, RECORD_BYTES));
  const values = new Map(
    [...text.matchAll(/^([a-z0-9-]{1,20}) ([0-9a-f]{1,64})$/gm)].map(([, name, value]) => [name, value]),
  );
  const number = (name: string) => {
    const value = values.get(name) ?? '';
    return /^\d{1,15}$/.test(value) ? Number(value) : undefined;
  };
  const digest = (name: string) => (SHA256.test(values.get(name) ?? '') ? values.get(name) : undefined);
  const [started, ended, exitStatus] = [number('started'), number('ended'), number('status')];
  const [logBytes, logSha256] = [number('log-bytes'), digest('log-sha256')];
  if (started === undefined || ended === undefined || exitStatus === undefined) return undefined;
  const [written, total, listSha256] = [number('files'), number('bytes'), digest('list-sha256')];
  const record: AgentRecord = {
    recipe,
    exitStatus,
    startedAt: timeOf(started),
    endedAt: timeOf(ended),
    log: { bytes: logBytes ?? 0, sha256: logSha256 ?? '0'.repeat(64) },
    output:
      written === undefined || total === undefined || listSha256 === undefined
        ? null
        : { files: written, bytes: total, listSha256 },
    facts: factsOf(recipe, answers),
  };
  // None from a clone whose script an earlier version brought, where a worker is upgraded in the middle of a run.
  return { place: number('place') ?? 0, record };
}

function factsOf(recipe: string, answers: readonly RecipeAnswer[]): RecipeAnswer['facts'] {
  const of = (step: RecipeAnswer['step']) => answers.find((one) => one.recipe === recipe && one.step === step)?.facts;
  return { ...of('agent'), ...of('check') };
}

/** A guest's clock may say anything: what is no time becomes the epoch. */
function timeOf(seconds: number): string {
  const milliseconds = seconds * 1000;
  return new Date(milliseconds <= 8.64e15 ? milliseconds : 0).toISOString();
}
