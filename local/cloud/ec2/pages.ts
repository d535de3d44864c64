import { CloudError } from '../cloud-error.ts';

export interface PageRequest {
  readonly MaxResults?: number | undefined;
  readonly NextToken?: string | undefined;
}

export interface Page<T> {
  readonly items: T[];
  readonly NextToken?: string;
}

/** EC2 takes 5 to 1,000 for most Describe calls; larger values mean 1,000. */
const MIN_RESULTS = 5;
const MAX_RESULTS = 1_000;

/** Pages in the order given. The token names the last item shown, so that changes in between skip nothing else. */
export function paginate<T>(items: readonly T[], request: PageRequest, keyOf: (item: T) => string): Page<T> {
  const { MaxResults } = request;
  if (MaxResults !== undefined && MaxResults < MIN_RESULTS) {
    throw new CloudError(
      'InvalidParameterValue',
      `Value ( ${MaxResults} ) for parameter maxResults is invalid. Expecting a value of at least ${MIN_RESULTS}.`,
    );
  }
  const from = request.NextToken === undefined ? 0 : positionAfter(items, request.NextToken, keyOf);
  const shown = items.slice(from, from + Math.min(MaxResults ?? MAX_RESULTS, MAX_RESULTS));
  const last = shown.at(-1);
  if (last === undefined || from + shown.length >= items.length) return { items: shown };
  return { items: shown, NextToken: Buffer.from(JSON.stringify({ after: keyOf(last) })).toString('base64url') };
}

function positionAfter<T>(items: readonly T[], token: string, keyOf: (item: T) => string): number {
  let after: unknown;
  try {
    after = (JSON.parse(Buffer.from(token, 'base64url').toString()) as { after?: unknown }).after;
  } catch {
    after = undefined;
  }
  if (typeof after !== 'string') throw new CloudError('InvalidNextToken', 'The specified token is not valid');
  const next = items.findIndex((item) => keyOf(item) > after);
  return next < 0 ? items.length : next;
}
