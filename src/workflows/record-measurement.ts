import type { MeasureRequest } from '../activities/measure.ts';
import type { Failed } from '../contract/results.ts';
import { messageOf } from './failures.ts';
import { recording } from './proxies.ts';

/**
 * What a restore took, for the forecast of the next one. What was restored is not worse for a forecast that could not be
 * written, into a copy of a vault that takes no writes for one: the result says why.
 */
export async function recordMeasurement(request: MeasureRequest): Promise<Failed | undefined> {
  try {
    await recording.recordMeasurement(request);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
