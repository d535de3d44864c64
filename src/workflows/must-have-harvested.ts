import type { CloneExamination } from '../activities/examine.ts';
import type { Run } from '../contract/run.ts';
import { sealedNames } from '../contract/sealed-names.ts';
import { failure } from './failures.ts';

/** AgentFailed names each agent, its exit status, its last words and its logs; nothing of the run is committed then. */
export function mustHaveHarvested(
  { agentFailures = [], evidence }: CloneExamination,
  { runId }: Pick<Run, 'runId'>,
): void {
  if (agentFailures.length === 0) return;
  const found = agentFailures.map(({ recipe, reason, exitStatus, lastWords }) => {
    const isSaid = exitStatus === null || exitStatus === 0 || reason.startsWith('exit status');
    const status = isSaid ? '' : ` (exit status ${exitStatus})`;
    const isToldAlready = lastWords === '' || reason.includes(lastWords);
    return `${recipe}: ${reason}${status}${isToldAlready ? '' : `; its last words: "${lastWords}"`}`;
  });
  const logs = agentFailures.flatMap(({ recipe, step = 'agent' }) =>
    evidence.filter(({ name }) => ['agent', step].some((one) => name.endsWith(`answers-${recipe}.${one}.log`))),
  );
  const sealed = logs.length > 0 ? logs : evidence.filter(({ name }) => name.endsWith('console.txt'));
  throw failure(
    'AgentFailed',
    `${found.join('. ')}. Nothing was committed.\nSealed in the vault${logs.length > 0 ? ', the last 64 KiB of each log' : ''}: ${sealedNames(runId, sealed)}`,
    { recipes: agentFailures.map(({ recipe }) => recipe).join(',') },
    { agentFailures, evidence },
  );
}
