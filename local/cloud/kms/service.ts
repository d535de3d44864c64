import { CloudError } from '../cloud-error.ts';
import { passGate } from '../wire/gate.ts';
import { oneHeader, type WireService } from '../wire/request.ts';
import { KMS_OPERATIONS } from './operations.ts';

const WORDS = {
  denied: { code: 'AccessDeniedException', httpStatus: 400 },
  throttled: { code: 'ThrottlingException', httpStatus: 400 },
};
const JSON_TYPE = { 'content-type': 'application/x-amz-json-1.1' };

/** KMS's JSON 1.1 protocol: the action is in a header. */
export const kmsService: WireService = {
  async answer(cloud, { headers, body, accessKeyId }) {
    const action = /^TrentService\.([A-Za-z]+)$/.exec(oneHeader(headers, 'x-amz-target') ?? '')?.[1] ?? '';
    const log = { accessKeyId, service: 'kms', action, dryRun: false };
    try {
      const operation = KMS_OPERATIONS[action];
      if (operation === undefined)
        throw new CloudError('UnknownOperationException', `${action} is not implemented by the local cloud`);
      passGate(cloud, { service: 'kms', action, accessKeyId, input: undefined }, WORDS);
      const answer = operation(cloud, readJson(body));
      cloud.calls.record(log, []);
      return { status: 200, headers: JSON_TYPE, body: answer === undefined ? '' : JSON.stringify(answer) };
    } catch (error) {
      cloud.calls.record({ ...log, error: error instanceof CloudError ? error.code : 'KMSInternalException' }, []);
      throw error;
    }
  },

  refuse({ code, message, httpStatus }) {
    const type = code === 'InternalError' ? 'KMSInternalException' : code;
    return {
      status: httpStatus,
      headers: { ...JSON_TYPE, 'x-amzn-errortype': type },
      body: JSON.stringify({ __type: type, message }),
    };
  },
};

function readJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new CloudError('SerializationException', 'The body is not JSON');
  }
}
