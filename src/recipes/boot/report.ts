import { createHash } from 'node:crypto';
import type { BootReport, RecipeAnswer } from '../../contract/evidence.ts';
import type { ByteSource } from '../../disk/byte-source.ts';
import { guestText, guestTextOf } from '../../disk/guest-text.ts';
import { DiskError } from '../../errors.ts';
import { readHarvest } from './harvest.ts';
import { lastWords } from './last-words.ts';
import { decodeHeader, HEADER_BYTES, MAX_RESULT_BYTES, RESULT_MAGIC, RESULT_OFFSET } from './scratch-layout.ts';
import { decodeTar } from './tar.ts';

/** What the boot script left, with its files for the vault's sealed evidence (outputs, journal): hostile text. */
export interface BootResults extends BootReport {
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** As they stand in names of files. */
export const STEPS = [
  'detect',
  'recovered',
  'probe',
  'stop',
  'agent',
  'check',
  'after-agent',
  'output',
  'load',
  'extract',
] as const;
/** A script's last line is at most this long (recipe.ts). */
const MAX_ANSWER_BYTES = 8_192;
const MAX_FACTS = 200;

/**
 * Reads the results from a scratch volume. Nothing written, or another run's: a report that says so. Bytes that contradict
 * their own header: a DiskError.
 */
export async function readBootReport(source: ByteSource, runId: string, signal: AbortSignal): Promise<BootResults> {
  if (source.bytes < RESULT_OFFSET + HEADER_BYTES) return noReport('the scratch volume is too small for results');
  const first = await source.readAt(RESULT_OFFSET, HEADER_BYTES, signal);
  const header = decodeHeader(
    RESULT_MAGIC,
    first,
    Math.min(MAX_RESULT_BYTES, source.bytes - RESULT_OFFSET - HEADER_BYTES),
  );
  if (header === undefined) return noReport('nothing was written to the scratch volume');
  if (header.runId !== runId) return noReport('the scratch volume holds the results of another run');
  const tar = await source.readAt(RESULT_OFFSET + HEADER_BYTES, header.bytes, signal);
  const found = createHash('sha256').update(tar).digest('hex');
  if (found !== header.sha256) {
    throw new DiskError(
      'UnreadableDisk',
      "The boot script's results do not match their SHA-256. Look at the console.",
      {
        context: { expected: header.sha256, found },
      },
    );
  }
  return interpret(decodeTar(tar));
}

/** `why` may hold text of the guest. */
export function noReport(why: string): BootResults {
  return { finished: false, absent: guestText(why), answers: [], files: new Map() };
}

function interpret(files: ReadonlyMap<string, Uint8Array>): BootResults {
  const answers: RecipeAnswer[] = [];
  for (const name of [...files.keys()].sort()) {
    const match = /^answers\/([a-z][a-z0-9-]{0,62})\.([a-z-]{1,20})\.json$/.exec(name);
    const step = STEPS.find((known) => known === match?.[2]);
    if (!match?.[1] || step === undefined) continue;
    const file = (kind: string) => files.get(`answers/${match[1]}.${step}.${kind}`) ?? new Uint8Array();
    const status = guestTextOf(file('status'), 10);
    answers.push({ recipe: match[1], step, ...judgeAnswer({ json: file('json'), log: file('log'), status }) });
  }
  const bootId = guestTextOf(files.get('boot-id') ?? new Uint8Array(), 36);
  const harvest = readHarvest(files, answers);
  return {
    finished: files.has('finished'),
    answers,
    ...(harvest && { harvest }),
    ...(/^[0-9a-f-]{36}$/.test(bootId) && { bootId }),
    files,
  };
}

interface Ended {
  readonly json: Uint8Array;
  readonly log: Uint8Array;
  readonly status: string;
}

/** Both must agree: the exit status, which boot.sh acted on, and the answer's own word. Anything else is neither yes nor no. */
function judgeAnswer({ json, log, status }: Ended): Pick<RecipeAnswer, 'ok' | 'broken' | 'facts'> {
  const said = parseAnswer(json);
  const how = status === '' ? 'its exit status is not known' : `exit status ${status}`;
  const withWords = (text: string, words = lastWords(log)) => guestText(words === '' ? text : `${text}: ${words}`);
  if (said === undefined) {
    const words = lastWords(log) || guestTextOf(json, 120);
    const error = withWords(status === '0' ? 'it ended without an answer' : how, words);
    return { ok: false, broken: true, facts: { error } };
  }
  if (said.ok !== (status === '0')) {
    const error = withWords(`${how}, but its answer says ok: ${said.ok}`);
    return { ok: false, broken: true, facts: { ...said.facts, error } };
  }
  // A plain "no" without a reason: what it said last may be one.
  return said.ok || said.facts.reason !== undefined
    ? said
    : { ok: false, facts: { error: withWords(how), ...said.facts } };
}

/** Undefined for what is no answer, one without its own word included. */
function parseAnswer(bytes: Uint8Array): Pick<RecipeAnswer, 'ok' | 'facts'> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes.subarray(0, MAX_ANSWER_BYTES)));
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('ok' in value) || typeof value.ok !== 'boolean')
    return undefined;
  const facts = 'facts' in value && typeof value.facts === 'object' && value.facts !== null ? value.facts : {};
  return { ok: value.ok, facts: cleanFacts(facts) };
}

function cleanFacts(facts: object): RecipeAnswer['facts'] {
  const entries = Object.entries(facts)
    .slice(0, MAX_FACTS)
    .map(([name, value]): [string, string | number | boolean | null] => {
      if (typeof value === 'number' || typeof value === 'boolean' || value === null)
        return [guestText(name, 64), value];
      return [guestText(name, 64), guestText(typeof value === 'string' ? value : JSON.stringify(value))];
    });
  return Object.fromEntries(entries);
}
