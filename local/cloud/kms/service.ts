import { jsonService } from '../wire/json-service.ts';
import { KMS_OPERATIONS } from './operations.ts';

export const kmsService = jsonService({
  service: 'kms',
  target: 'TrentService',
  operations: KMS_OPERATIONS,
  internal: 'KMSInternalException',
});
