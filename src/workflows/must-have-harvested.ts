import type { CloneExamination } from '../activities/examine.ts';
import { failure } from './failures.ts';

/** AgentFailed names each agent, its exit status, its last words and its logs; nothing of the run is committed then. */
export function mustHaveHarvested({ agentFailures = [], evidence }: CloneExamination): void {
  if (agentFailures.length === 0) return;
  const found = agentFailures.map(({ recipe, reason, exitStatus, lastWords }) => {
    const isSaid = exitStatus === null || exitStatus === 0 || reason.startsWith('exit status');
    const status = isSaid ? '' : ` (exit status ${exitStatus})`;
    const isToldAlready = lastWords === '' || reason.includes(lastWords);
    return `${recipe}: ${reason}${status}${isToldAlready ? '' : `; its last words: "${lastWords}"`}`;
  });
  const names = evidence.map(({ name }) => name);
  const logs = agentFailures.flatMap(({ recipe, step = 'agent' }) =>
    names.filter((name) => ['agent', step].some((one) => name.endsWith(`answers-${recipe}.${one}.log`))),
  );
  throw failure(
    'AgentFailed',
    `${found.join('. ')}. Nothing was committed; sealed with the run: ${logs.length > 0 ? `the logs (their last 64 KiB) as ${logs.join(', ')}` : 'the console'}`,
    { recipes: agentFailures.map(({ recipe }) => recipe).join(',') },
    { agentFailures, evidence },
  );
}
