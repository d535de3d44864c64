import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError, unsupported } from '../cloud-error.ts';

/** Who asked, and what answering may touch. */
export interface Call {
  readonly cloud: Cloud;
  readonly accessKeyId: string;
  readonly requestId: string;
}

export interface Operation {
  /** Refuses what is missing, malformed or not implemented. */
  parse(input: unknown): unknown;
  run(parsed: unknown, call: Call): object | undefined | Promise<object | undefined>;
}

export type Operations = Readonly<Record<string, Operation>>;

/** An operation accepts exactly the members its shape lists: AWS's others are refused, so nothing is ignored silently. */
export function operation<S extends z.ZodRawShape>(
  shape: S,
  run: (
    input: z.output<z.ZodObject<S, z.core.$strict>>,
    call: Call,
  ) => object | undefined | Promise<object | undefined>,
): Operation {
  const schema = z.strictObject({ ...shape, DryRun: z.boolean().optional() });
  return {
    parse(input) {
      const parsed = schema.safeParse(input);
      if (parsed.success) return parsed.data;
      throw refusal(parsed.error.issues[0]);
    },
    run: (parsed, call) => run(parsed as z.output<z.ZodObject<S, z.core.$strict>>, call),
  };
}

function refusal(issue: z.core.$ZodIssue | undefined): CloudError {
  const path = issue?.path.join('.') ?? '';
  if (issue?.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => (path === '' ? key : `${path}.${key}`));
    return unsupported(`the parameter ${names.join(', ')}`);
  }
  // One value alone: the only one that is acted on here. EC2 has more, so it is not the request that is wrong.
  if (issue?.code === 'invalid_value' && issue.values.length === 1)
    return unsupported(`the parameter ${path} with another value than ${String(issue.values[0])}`);
  if (issue?.code === 'invalid_type' && /undefined$/.test(issue.message)) {
    return new CloudError('MissingParameter', `The request must contain the parameter ${path}`);
  }
  return new CloudError('InvalidParameterValue', `Value for parameter ${path} is invalid. ${issue?.message ?? ''}`);
}

export const FilterList = z.array(z.strictObject({ Name: z.string(), Values: z.array(z.string()).min(1) })).optional();

/** Members of every paginated Describe call. */
export const PAGED = { MaxResults: z.int().optional(), NextToken: z.string().optional() };
