import type { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError } from '../cloud-error.ts';
import { mentionedIds } from '../mentioned-ids.ts';
import { ownValue } from '../own-value.ts';
import { type GateWords, passGate } from './gate.ts';
import { readJson } from './read-json.ts';
import { oneHeader, type WireService } from './request.ts';
import { jsonErrorType } from './signature-words.ts';

export type JsonOperation = (cloud: Cloud, body: unknown, accessKeyId: string) => object | undefined;

/** An operation accepts exactly the members its schema lists: AWS's others are refused, so nothing is ignored silently. */
export function jsonOperation<S extends z.ZodType>(
  schema: S,
  run: (cloud: Cloud, input: z.output<S>, accessKeyId: string) => object | undefined,
): JsonOperation {
  return (cloud, body, accessKeyId) => {
    const parsed = schema.safeParse(body);
    if (parsed.success) return run(cloud, parsed.data, accessKeyId);
    const [issue] = parsed.error.issues;
    const message =
      issue?.code === 'unrecognized_keys'
        ? `The local cloud does not implement the parameter ${issue.keys.join(', ')}.`
        : `${issue?.path.join('.')}: ${issue?.message}`;
    throw new CloudError('ValidationException', message);
  };
}

export interface JsonServiceFacts {
  /** As in signatures, denials and the log. */
  readonly service: string;
  /** What stands before the action in `X-Amz-Target`. */
  readonly target: string;
  readonly operations: Readonly<Record<string, JsonOperation>>;
  /** The service's own word for a fault of its own. */
  readonly internal: string;
}

const WORDS: GateWords = {
  denied: { code: 'AccessDeniedException', httpStatus: 400 },
  throttled: { code: 'ThrottlingException', httpStatus: 400 },
};
const JSON_TYPE = { 'content-type': 'application/x-amz-json-1.1' };

/** AWS's JSON 1.1 protocol: the action is in a header, times are seconds since the epoch. */
export function jsonService({ service, target, operations, internal }: JsonServiceFacts): WireService {
  return {
    async answer(cloud, { headers, body, accessKeyId }) {
      const named = oneHeader(headers, 'x-amz-target') ?? '';
      const action = named.startsWith(`${target}.`) ? named.slice(target.length + 1) : '';
      const log = { accessKeyId, service, action, dryRun: false };
      let input: unknown;
      try {
        const operation = ownValue(operations, action);
        if (operation === undefined)
          throw new CloudError('UnknownOperationException', `${action} is not implemented by the local cloud`);
        input = readJson(body, 'SerializationException');
        passGate(cloud, { service, action, accessKeyId, input }, WORDS);
        const answer = operation(cloud, input, accessKeyId);
        cloud.calls.record(log, mentionedIds(input));
        return { status: 200, headers: JSON_TYPE, body: answer === undefined ? '' : JSON.stringify(answer) };
      } catch (error) {
        const code = error instanceof CloudError ? error.code : internal;
        cloud.calls.record({ ...log, error: code }, mentionedIds(input));
        throw error;
      }
    },

    refuse({ code, message, httpStatus }) {
      const type = code === 'InternalError' ? internal : jsonErrorType(code);
      return {
        status: httpStatus,
        headers: { ...JSON_TYPE, 'x-amzn-errortype': type },
        body: JSON.stringify({ __type: type, message }),
      };
    },
  };
}
