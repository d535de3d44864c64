import type { Forecast } from '../vault/index.ts';
import type { CliDeps, RestoreForecast } from './deps.ts';
import { formatBytes, formatMoment, formatSeconds } from './format.ts';
import { jsonLines } from './json-lines.ts';
import type { RestoreOptions } from './restore.ts';

/** How long a restore will take, on what that is based, and plainly when nobody knows. */
export async function tellForecast(
  pointId: string,
  { to, vault, json }: RestoreOptions,
  { openForecasts, stdout }: CliDeps,
): Promise<void> {
  const forecasts = await openForecasts(vault);
  try {
    const found = await forecasts.restoreOf(pointId, to);
    if (json) jsonLines(stdout).result(found);
    else stdout.write(describe(found));
  } finally {
    await forecasts.close();
  }
}

function describe({ pointId, kind, bytes, forecast }: RestoreForecast): string {
  const head = `${pointId} to ${kind}: ${formatBytes(bytes)} to read from the vault`;
  if (!forecast) {
    return `${head}\nno restore like it was measured yet, so nobody knows how long it takes; measure one: understudy drill\n`;
  }
  const lines = [
    head,
    ...forecast.phases.map((phase) => `  ${phase.phase.padEnd(10)}${range(phase)}`),
    `  ${'total'.padEnd(10)}${range(forecast)}`,
    `based on ${basis(forecast)}`,
  ];
  if (forecast.beyondMeasured) lines.push('the point is over four times larger than any of them: take it as a guess');
  return `${lines.join('\n')}\n`;
}

function range({ fromMs, toMs }: Pick<Forecast, 'fromMs' | 'toMs'>): string {
  const [from, to] = [formatSeconds(fromMs), formatSeconds(toMs)];
  return from === to ? from : `${from} to ${to}`;
}

function basis({ basedOn: { kind, measurements, sameMachine, newest } }: Forecast): string {
  const what = kind === 'verification' ? 'verification' : `restore to ${kind}`;
  const whose = sameMachine ? 'of this machine' : 'of other machines, none of this one';
  return `${measurements} ${what}${measurements === 1 ? '' : 's'} ${whose}, the newest at ${formatMoment(newest)}`;
}
