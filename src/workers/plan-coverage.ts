import { loadConfig } from '../config/index.ts';
import { UnderstudyError } from '../errors.ts';
import { createEc2Platform } from '../platforms/ec2/platform.ts';

export interface PlanCoverage {
  readonly plan: string;
  readonly instanceIds: readonly string[];
  /** Why that may not be all of them; null when it is. */
  readonly unknown: string | null;
}

/** Which instances each plan of the configuration selects now. Tags are asked of EC2; without its word only named ones are known. */
export async function readPlanCoverage(signal: AbortSignal): Promise<readonly PlanCoverage[]> {
  const { config } = await loadConfig();
  const platform = createEc2Platform({
    clock: () => new Date(),
    sleep: async (ms, over) => (await import('node:timers/promises')).setTimeout(ms, undefined, { signal: over }),
    log: () => {},
  });
  const plans: PlanCoverage[] = [];
  for (const [plan, { select }] of Object.entries(config.plans)) {
    const { instanceIds, tags } = select;
    try {
      const tagged = Object.keys(tags).length > 0 ? await platform.selectMachines(tags, signal) : [];
      plans.push({ plan, instanceIds: [...new Set([...instanceIds, ...tagged])].sort(), unknown: null });
    } catch (error) {
      if (!(error instanceof UnderstudyError)) throw error;
      plans.push({ plan, instanceIds, unknown: error.message });
    }
  }
  return plans;
}
