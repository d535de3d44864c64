import type { Check } from '../contract/check.ts';
import type { ConsistencyClass, Method } from '../contract/names.ts';
import { counted, formatCount, formatInstant, formatTimeOfDay } from './figures.ts';
import { type Html, html, longText } from './html.ts';
import { type Tone, verdictCell } from './parts.ts';
import type { ReportData } from './report-data.ts';

/** What each class promises, for readers who meet the word here first. */
const CLASS_MEANING: Readonly<Record<ConsistencyClass, string>> = {
  'crash-consistent': 'as after a power cut: all volumes of one instant, nothing closed in order',
  'clean-shutdown': 'shut down in order: every file system closed, every known application ended clean',
  'application-consistent': "made by the application's own backup agent and checked by it",
};

export const METHOD_MEANING: Readonly<Record<Method, string>> = {
  'stop-and-snapshot': 'the clone was shut down in order and its disks were archived',
  'application-agent': "the application's own backup agent ran in the clone and its output was archived",
};

/** Head of the page: what it is about, in a sentence, and the verdicts side by side. */
export function verdictHeader(data: ReportData): Html {
  const { failure } = data;
  const headline = failure ? `Failed: ${failure.code}` : headlineOf(data);
  return html`<header class="top">
<p class="brand"><b>Understudy</b><span>Report of a recovery point</span></p>
<h1>${headline}</h1>
<p class="lead">${leadSentences(data)}</p>
${failure === undefined ? undefined : failureNote(failure)}<div class="verdicts">
${consistencyCell(data)}${verificationCell(data)}${isolationCell(data)}${productionCell(data)}</div>
</header>\n`;
}

function leadSentences({ source, backup, isolation = [] }: ReportData): Html {
  const name = source.name === undefined ? undefined : html`<b>${source.name}</b> · `;
  const time =
    backup.pointInTime === undefined
      ? 'was not captured'
      : html`as it was at <b>${formatInstant(backup.pointInTime)}</b>`;
  const checks = isolation.flatMap((proof) => proof.checks);
  const sealed = checks.length > 0 && checks.every(({ verdict }) => verdict !== 'broken');
  const rest = sealed
    ? ' Production was read and snapshotted; all else happened to clones without a network.'
    : undefined;
  return html`${name}<code>${source.instanceId}</code> ${time}.${rest}`;
}

function headlineOf({ backup: { consistency, verification } }: ReportData): string {
  if (verification?.verdict === 'red') return 'This recovery point failed its verification';
  if (consistency?.disks === null) return "A recovery point of agents' output";
  const proven = consistency === undefined ? 'Recovery point' : `A ${consistency.disks} recovery point`;
  return verification === undefined ? `${proven}, not yet verified` : `${proven}, restored, booted and found healthy`;
}

function failureNote({ code, message }: { readonly code: string; readonly message: string }): Html {
  const lines = message.slice(0, 4_000).split('\n');
  return html`<div class="failure"><p><b>${code}</b></p>${lines.map((line) => html`<p>${longText(line)}</p>`)}</div>\n`;
}

function consistencyCell({ backup: { consistency } }: ReportData): Html {
  if (consistency === undefined)
    return verdictCell('Consistency of the disks', 'bad', 'not judged', 'The run ended before.');
  const { disks, lowered, agents } = consistency;
  const outputs = Object.entries(agents).map(([recipe, found]) => html`<br>${recipe} agent: ${found}`);
  if (disks === null)
    return verdictCell('Consistency', 'good', 'no disks', ['The request wanted what agents write alone.', ...outputs]);
  const tone: Tone = disks === 'crash-consistent' ? 'warn' : 'good';
  const why = lowered.length === 0 ? CLASS_MEANING[disks] : `lowered by: ${lowered.join('; ')}`;
  return verdictCell('Consistency of the disks', tone, disks, [why, ...outputs]);
}

function verificationCell({ backup: { verification } }: ReportData): Html {
  if (verification === undefined) {
    return verdictCell(
      'Verification',
      'warn',
      'not verified',
      'Nobody has restored this point and asked its applications.',
    );
  }
  const { verdict, failures, at } = verification;
  if (verdict === 'red') return verdictCell('Verification', 'bad', 'red', failures.join('; '));
  return verdictCell(
    'Verification',
    'good',
    'green',
    `restored from the vault, booted and asked at ${formatTimeOfDay(Date.parse(at)).slice(0, 8)} UTC`,
  );
}

function isolationCell({ isolation = [] }: ReportData): Html {
  const checks = isolation.flatMap((proof) => proof.checks);
  const namesOf = (wanted: Check['verdict']) => [
    ...new Set(checks.filter(({ verdict }) => verdict === wanted).map(({ name }) => name)),
  ];
  const label = 'Isolation of clones';
  if (checks.length === 0) return verdictCell(label, 'warn', 'not recorded', 'This report was made without the proof.');
  const [broken, unchecked, accepted] = [namesOf('broken'), namesOf('not-checked'), namesOf('accepted')];
  if (broken.length > 0) return verdictCell(label, 'bad', 'broken', broken.join(', '));
  if (unchecked.length > 0) return verdictCell(label, 'warn', 'not proven', `not checked: ${unchecked.join(', ')}`);
  const vouched = accepted.length === 0 ? '' : `; vouched for by a person: ${accepted.join(', ')}`;
  const read = checks.filter(({ verdict }) => verdict === 'holds').length;
  return verdictCell(label, 'good', 'proven', `${counted(read, 'line')} read, each holds${vouched}`);
}

function productionCell({ load }: ReportData): Html {
  if (load === undefined) {
    return verdictCell('Production', 'plain', 'not measured', 'No client of production was watched during this run.');
  }
  const failed = load.samples.filter((sample) => !sample.ok).length;
  const harmed = failed + load.reconnects + (load.pauses ?? 0) + (load.ledgerContacts ?? 0);
  const facts = [
    `${formatCount(failed)} of ${counted(load.samples.length, 'request')} failed`,
    counted(load.reconnects, 'reconnect'),
    ...(load.pauses === undefined
      ? []
      : [load.pauses === 0 ? 'never paused' : `paused ${counted(load.pauses, 'time')}`]),
    ...(load.ledgerContacts === undefined ? [] : [`${counted(load.ledgerContacts, 'contact')} by clones`]),
  ];
  return verdictCell(
    'Production',
    harmed === 0 ? 'good' : 'bad',
    harmed === 0 ? 'untouched' : 'disturbed',
    facts.join(' · '),
  );
}
