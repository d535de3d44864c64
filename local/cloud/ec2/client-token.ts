import { createHash } from 'node:crypto';
import { CloudError } from '../cloud-error.ts';

/** What a record keeps of the request that made it. */
export interface TokenFacts {
  readonly clientToken?: string;
  readonly tokenHash?: string;
}

interface TokenInput {
  readonly ClientToken?: string | undefined;
}

/** What an earlier request with this token made; the same token with other parameters is refused. */
export function findByToken<T extends TokenFacts>(records: readonly T[], input: TokenInput): T | undefined {
  const earlier = records.find(({ clientToken }) => clientToken !== undefined && clientToken === input.ClientToken);
  if (earlier !== undefined && earlier.tokenHash !== tokenHash(input)) throw idempotencyMismatch();
  return earlier;
}

/** For the record of what a request makes. */
export function tokenFacts(input: TokenInput): TokenFacts {
  return input.ClientToken === undefined ? {} : { clientToken: input.ClientToken, tokenHash: tokenHash(input) };
}

/** What a client token stands for. `DryRun` is no part of it: a request that is carried out says nothing or `false`. */
export function tokenHash(input: object): string {
  const { DryRun: _, ...parameters } = input as { DryRun?: unknown };
  return createHash('sha256')
    .update(JSON.stringify(sorted(parameters)))
    .digest('hex');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sorted(item)]));
}

function idempotencyMismatch(): CloudError {
  return new CloudError(
    'IdempotentParameterMismatch',
    'Arguments on this idempotent request are inconsistent with arguments used in previous request(s).',
  );
}
