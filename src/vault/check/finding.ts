import { UnderstudyError } from '../../errors.ts';

/**
 * - fit: as the vault needs it.
 * - missing: a vault works without it, and loses what `means` says.
 * - broken: a vault must not be kept there.
 * - not-checked: these credentials, or what was found before, did not allow the test.
 */
export type CheckVerdict = 'fit' | 'missing' | 'broken' | 'not-checked';

export interface CheckFinding {
  readonly name: string;
  readonly verdict: CheckVerdict;
  /** What was tried and found. */
  readonly found: string;
  /** What it means for a vault; absent when fit. */
  readonly means?: string;
  /** What to do about it. */
  readonly remedy?: string;
}

export interface StoreCheck {
  readonly name: string;
  /** What the credentials need for it, as it stands in a policy. */
  readonly permission: string;
  /** Without the permission: whether a vault cannot work, or only the test cannot. */
  readonly withoutPermission: 'broken' | 'not-checked';
  readonly run: () => Promise<Omit<CheckFinding, 'name'>>;
}

/** Every check ends in a finding; only cancellation and bugs are thrown. */
export async function runCheck(check: StoreCheck): Promise<CheckFinding> {
  const { name } = check;
  try {
    return { name, ...(await check.run()) };
  } catch (error) {
    if (!(error instanceof UnderstudyError)) throw error;
    if (error.code === 'AccessDenied') return { name, ...denied(check, error) };
    return {
      name,
      verdict: 'broken',
      found: `${error.code}: ${error.message}`,
      means: 'the store does not answer as a vault needs it',
    };
  }
}

function denied({ permission, withoutPermission }: StoreCheck, error: UnderstudyError): Omit<CheckFinding, 'name'> {
  const needed = withoutPermission === 'broken' ? 'every role needs it' : 'not every role needs it';
  return {
    verdict: withoutPermission,
    found: `refused: ${error.message}`,
    means: `these credentials lack ${permission}; ${needed} (docs/operations/bucket.md)`,
    remedy: `allow ${permission}, or check again with credentials that have it`,
  };
}

export function works(found: string): Omit<CheckFinding, 'name'> {
  return { verdict: 'fit', found };
}

export function broken(found: string, means: string, remedy?: string): Omit<CheckFinding, 'name'> {
  return { verdict: 'broken', found, means, ...(remedy && { remedy }) };
}

export function missing(found: string, means: string, remedy?: string): Omit<CheckFinding, 'name'> {
  return { verdict: 'missing', found, means, ...(remedy && { remedy }) };
}
