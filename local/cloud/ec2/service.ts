import * as client from '@aws-sdk/client-ec2';
import type { Cloud } from '../cloud.ts';
import { CloudError } from '../cloud-error.ts';
import { ID_KINDS, type IdPrefix } from '../ids.ts';
import { findResource, mentionedIds } from '../mentioned-ids.ts';
import { ownValue } from '../own-value.ts';
import { passGate } from '../wire/gate.ts';
import { decodeQuery, encodeEc2Answer } from '../wire/query-codec.ts';
import { queryFields, type WireAnswer, type WireRequest, type WireService } from '../wire/request.ts';
import { escapeXml } from '../wire/xml-text.ts';
import { unknownId } from './describe.ts';
import type { Operation } from './operation.ts';
import { EC2_OPERATIONS } from './operations.ts';

const WORDS = {
  denied: { code: 'UnauthorizedOperation', httpStatus: 403 },
  throttled: { code: 'RequestLimitExceeded', httpStatus: 503 },
};
const XML = { 'content-type': 'text/xml;charset=UTF-8' };

/** EC2's Query protocol: fields in, XML out, both by the SDK's schemas. */
export const ec2Service: WireService = {
  async answer(cloud, request) {
    const fields = queryFields(request);
    const action = fields.find(([name]) => name === 'Action')?.[1] ?? '';
    const log = { accessKeyId: request.accessKeyId, service: 'ec2', action };
    let input: unknown;
    try {
      if (action === '') throw new CloudError('MissingAction', 'The request is missing an action');
      const schema = findSchema(action);
      const operation = ownValue(EC2_OPERATIONS, action);
      if (operation === undefined)
        throw new CloudError('InvalidAction', `The action ${action} is not implemented by the local cloud`);
      input = decodeQuery(
        schema[4],
        fields.filter(([name]) => name !== 'Action' && name !== 'Version'),
      );
      const output = await run(cloud, request, { action, operation, input });
      const ids = /^(Describe|Get)/.test(action) ? mentionedIds(input) : mentionedIds([input, output]);
      cloud.calls.record({ ...log, dryRun: false }, ids);
      return { status: 200, headers: XML, body: encodeEc2Answer(action, schema[5], output, request.requestId) };
    } catch (error) {
      const code = error instanceof CloudError ? error.code : 'InternalError';
      cloud.calls.record({ ...log, dryRun: isDryRun(input), error: code }, mentionedIds(input));
      throw error;
    }
  },

  refuse({ code, message, httpStatus }, requestId): WireAnswer {
    const error = `<Error><Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message></Error>`;
    const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors>${error}</Errors><RequestID>${requestId}</RequestID></Response>`;
    return { status: httpStatus, headers: XML, body };
  },
};

/** An operation's schema is a list: …, input at 4, output at 5. */
function findSchema(action: string): readonly unknown[] {
  const schema: unknown = /^[A-Z][A-Za-z0-9]+$/.test(action) ? Reflect.get(client, `${action}$`) : undefined;
  if (Array.isArray(schema) && schema.length === 6) return schema;
  throw new CloudError('InvalidAction', `The action ${action} is not valid for this web service.`);
}

interface Attempt {
  readonly action: string;
  readonly operation: Operation;
  readonly input: unknown;
}

async function run(
  cloud: Cloud,
  { accessKeyId, requestId }: WireRequest,
  { action, operation, input }: Attempt,
): Promise<object | undefined> {
  const parsed = operation.parse(input);
  passGate(cloud, { service: 'ec2', action, accessKeyId, input }, WORDS);
  if (isDryRun(input)) {
    checkIds(cloud, input);
    throw new CloudError('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', {
      httpStatus: 412,
    });
  }
  return operation.run(parsed, { cloud, accessKeyId, requestId });
}

function isDryRun(input: unknown): boolean {
  return typeof input === 'object' && input !== null && Reflect.get(input, 'DryRun') === true;
}

function checkIds({ db }: Cloud, input: unknown): void {
  for (const id of mentionedIds(input)) {
    const prefix = id.slice(0, id.indexOf('-'));
    if (prefix in ID_KINDS && findResource(db, id) === undefined) throw unknownId(prefix as IdPrefix, id);
  }
}
