import { setCurrentDetails } from '@temporalio/workflow';
import type { SweepResult } from '../contract/results.ts';
import { SweepRequest } from '../contract/sweep-request.ts';
import { acceptInput } from './accept-input.ts';
import { readableFailure } from './failures.ts';
import { markdownText } from './markdown.ts';
import { control } from './proxies.ts';

/** Removes what terminated runs left behind. Runs clean up after themselves; this is the backstop, on a schedule. */
export async function sweepLeftovers(request?: SweepRequest): Promise<SweepResult> {
  acceptInput(SweepRequest, request, { workflow: 'sweepLeftovers', example: '{}' });
  try {
    const result = await control.sweepDeployment();
    const rows = result.runs.map(
      ({ runId, decision, reason }) => `| ${markdownText(runId)} | ${decision} | ${markdownText(reason)} |`,
    );
    setCurrentDetails(['| run | decision | why |', '|---|---|---|', ...rows].join('\n'));
    return result;
  } catch (error) {
    throw readableFailure(error);
  }
}
