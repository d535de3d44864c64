import { workflowInfo } from '@temporalio/workflow';
import { failure } from './failures.ts';

/**
 * Some workflows take input that was read by another of ours: resolved, so that it could name any network or key, or checked.
 * A person who starts one by hand is sent to the front door, which takes names of the configuration alone and checks them.
 */
export function mustComeFromParent(workflow: string, frontDoor: string): void {
  if (workflowInfo().parent) return;
  throw failure('InvalidInput', `${workflow} is a part of ${frontDoor}; start ${frontDoor} instead`);
}
