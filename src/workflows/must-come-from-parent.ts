import { workflowInfo } from '@temporalio/workflow';
import { failure } from './failures.ts';

/**
 * Some workflows take resolved input, which could name any network or key. Only a workflow of ours makes it; a person who
 * starts one by hand is sent to the front door, which takes names of the configuration alone.
 */
export function mustComeFromParent(workflow: string, frontDoor: string): void {
  if (workflowInfo().parent) return;
  throw failure('InvalidInput', `${workflow} is a part of ${frontDoor}; start ${frontDoor} instead`);
}
