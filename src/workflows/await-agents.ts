import type { Limits } from '../contract/resolved-backup.ts';
import type { Run } from '../contract/run.ts';
import type { BootedMachine } from './boot-machine.ts';
import { watching } from './proxies.ts';

export interface AgentsOrder {
  readonly run: Run;
  readonly booted: BootedMachine;
  /** How many may run. */
  readonly agents: number;
  readonly limits: Limits;
}

/** Waits until the machine's agents have ended, each within its own limit; what became of them stands in its results. */
export async function awaitAgents({ run, booted, agents, limits }: AgentsOrder): Promise<BootedMachine> {
  const { machine, outcome } = booted;
  if (outcome.saw === 'stopped' || outcome.saw === 'terminated') return booted;
  const ended = await watching.awaitAgents({ run, machine, since: Date.now(), limits, agents });
  return { ...booted, outcome: ended };
}
