import { jsonService } from '../wire/json-service.ts';
import { commandOperations } from './command-operations.ts';
import { nodeOperations } from './node-operations.ts';
import { SendCommand } from './send-command.ts';

/** Systems Manager, as far as Run Command and its nodes go. */
export const ssmService = jsonService({
  service: 'ssm',
  target: 'AmazonSSM',
  operations: { ...nodeOperations, ...commandOperations, SendCommand },
  internal: 'InternalServerError',
});
