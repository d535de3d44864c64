import type { FileCost } from './reporter.ts';

/** Enough to show where the minutes went; the rest are seconds. */
const SHOWN = 15;

export interface ProjectCost {
  readonly project: string;
  /** By the clock on the wall, servers that are shared by its files included. */
  readonly seconds: number;
}

/** What a run cost: each project, then the files that took longest. */
export function describeCosts(projects: readonly ProjectCost[], files: readonly FileCost[]): string {
  const slowest = files.toSorted((a, b) => b.seconds - a.seconds).slice(0, SHOWN);
  const line = (seconds: number, name: string) => `${seconds.toFixed(1).padStart(8)} s  ${name}\n`;
  return [
    'where the time went, tests and hooks of the slowest files:\n',
    ...slowest.map(({ file, seconds }) => line(seconds, file)),
    'by the clock, with what the files of a project share:\n',
    ...projects.map(({ project, seconds }) => line(seconds, project)),
  ].join('');
}
