import type { BackupProgress, PhaseProgress, VolumeProgress } from '../contract/progress.ts';
import { guestText } from '../disk/guest-text.ts';
import { formatBar, formatBytes, formatClock, formatSeconds } from './format.ts';

const NAME_WIDTH = 12;

/** The whole table as it stands, one line per phase that has begun, and what moves right now below it. */
export function renderProgress(progress: BackupProgress, now: Date): readonly string[] {
  return progress.phases
    .filter(({ state }) => state !== 'waiting')
    .flatMap((phase) => [renderPhase(phase, now), ...(phase.state === 'running' ? renderMoving(phase, progress) : [])]);
}

export function renderPhase({ phase, state, summary, startedAt, endedAt }: PhaseProgress, now: Date): string {
  const mark = { waiting: ' ', running: '…', done: ' ', failed: '✗', skipped: '-' }[state];
  const text = guestText(summary ?? (state === 'running' ? '' : state));
  const took = startedAt === undefined ? '' : formatSeconds(endMs(endedAt, now) - Date.parse(startedAt));
  return `${mark} ${phase.padEnd(NAME_WIDTH)}${text}${text && took ? '   ' : ''}${took}`;
}

function endMs(endedAt: string | undefined, now: Date): number {
  return endedAt === undefined ? now.getTime() : Date.parse(endedAt);
}

function renderMoving({ phase }: PhaseProgress, progress: BackupProgress): readonly string[] {
  const indent = ' '.repeat(NAME_WIDTH + 2);
  const { volumes, machine, verification } = progress;
  if (phase === 'verify' && verification) {
    const step = verification.phases.find(({ state }) => state === 'running');
    const moving = step?.phase === 'restore' ? verification.volumes.map((volume) => indent + renderVolume(volume)) : [];
    return [...(step ? [`${indent}${step.phase}`] : []), ...moving, ...renderMachine(verification, indent)];
  }
  if (phase === 'archive') return volumes.map((volume) => indent + renderVolume(volume));
  return machine ? renderMachine(progress, indent) : [];
}

function renderMachine({ machine }: BackupProgress, indent: string): readonly string[] {
  if (machine === undefined || machine.says === '') return [];
  return [`${indent}${machine.machineId} ${machine.state}: ${guestText(machine.says)}`];
}

function renderVolume({ volumeId, bytesRead, bytesTotal, bytesStored, rate }: VolumeProgress): string {
  const parts = [formatBar(bytesRead, bytesTotal), volumeId, `${formatBytes(bytesRead)} of ${formatBytes(bytesTotal)}`];
  if (bytesRead > 0) parts.push(`ratio ${(bytesStored / bytesRead).toFixed(2)}`);
  if (rate !== undefined && rate > 0) {
    parts.push(`${formatBytes(rate)}/s`, `eta ${formatClock(((bytesTotal - bytesRead) / rate) * 1000)}`);
  }
  return parts.join('  ');
}
