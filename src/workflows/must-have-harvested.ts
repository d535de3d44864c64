import type { CloneExamination } from '../activities/examine.ts';
import { failure } from './failures.ts';

/** AgentFailed names each agent, its exit status and its last words; nothing of the run is committed then. */
export function mustHaveHarvested({ agentFailures = [], evidence }: CloneExamination): void {
  if (agentFailures.length === 0) return;
  const found = agentFailures.map(({ recipe, reason, exitStatus, lastWords }) => {
    const status = exitStatus === null || exitStatus === 0 ? '' : ` (exit status ${exitStatus})`;
    return `${recipe}: ${reason}${status}${lastWords === '' ? '' : `; its last words: "${lastWords}"`}`;
  });
  const logs = evidence.filter(({ name }) => name.endsWith('.agent.log')).map(({ name }) => name);
  throw failure(
    'AgentFailed',
    `${found.join('. ')}. Nothing was committed; the whole logs are sealed with the run${logs.length > 0 ? ` as ${logs.join(', ')}` : ''}`,
    { recipes: agentFailures.map(({ recipe }) => recipe).join(',') },
    { agentFailures, evidence },
  );
}
