/** What an agent that takes commands calls, and nothing that reads parameters, documents or inventories. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  ssm: ['UpdateInstanceInformation'],
  ssmmessages: ['CreateControlChannel', 'CreateDataChannel', 'OpenControlChannel', 'OpenDataChannel'],
  // Only agents older than 3.3.40 take commands this way.
  ec2messages: ['AcknowledgeMessage', 'DeleteMessage', 'FailMessage', 'GetEndpoint', 'GetMessages', 'SendReply'],
};

/** Services whose every call is needed, so that a wildcard says the same. */
const WHOLLY_NEEDED = ['ssmmessages', 'ec2messages'];

export const AGENT_SERVICES = Object.keys(NEEDED);

/** A policy of more is nobody's. */
const MAX_POLICY_CHARS = 20_480;

/**
 * Why a policy lets more through its endpoint than an agent of this account needs; undefined if it does not. A form that
 * this does not know counts as letting through: only what is understood holds.
 */
export function tooOpen(policy: string, service: string, accountId: string): string | undefined {
  const statements = readStatements(policy);
  if (statements === undefined) return 'it has no policy that can be read';
  for (const statement of statements) {
    const why = statement.Effect === 'Deny' ? undefined : allowsTooMuch(statement, service, accountId);
    if (why !== undefined) return why;
  }
  return undefined;
}

type Statement = Readonly<Record<string, unknown>>;

function readStatements(policy: string): readonly Statement[] | undefined {
  if (policy.length > MAX_POLICY_CHARS) return undefined;
  try {
    const document: unknown = JSON.parse(policy);
    if (typeof document !== 'object' || document === null || !('Statement' in document)) return undefined;
    const statements = [document.Statement].flat();
    return statements.every((one): one is Statement => typeof one === 'object' && one !== null)
      ? statements
      : undefined;
  } catch {
    return undefined;
  }
}

function allowsTooMuch(statement: Statement, service: string, accountId: string): string | undefined {
  const negated = ['NotAction', 'NotPrincipal', 'NotResource'].find((name) => name in statement);
  if (negated !== undefined) return `it allows by ${negated}`;
  const actions = [statement.Action].flat();
  const excess = actions.find((action) => !isNeeded(action, service));
  if (excess !== undefined || actions.length === 0) return `it allows ${String(excess ?? 'nothing by name')}`;
  return isOfAccount(statement, accountId) ? undefined : 'it is not limited to this account';
}

/** Actions are compared without regard to case, as IAM does. */
function isNeeded(action: unknown, service: string): boolean {
  if (typeof action !== 'string') return false;
  const needed = (NEEDED[service] ?? []).map((name) => `${service}:${name}`.toLowerCase());
  const named = action.toLowerCase();
  return needed.includes(named) || (WHOLLY_NEEDED.includes(service) && named === `${service}:*`);
}

/** Of whichever partition: aws, aws-cn, aws-us-gov. An account belongs to one. */
const PRINCIPAL_ARN = /^arn:aws[a-z-]*:iam::(\d{12}):/;

function isOfAccount({ Principal, Condition }: Statement, accountId: string): boolean {
  const ofAccount = (one: unknown) =>
    one === accountId || (typeof one === 'string' && PRINCIPAL_ARN.exec(one)?.[1] === accountId);
  if (accountPrincipals(Principal)?.every(ofAccount)) return true;
  return conditionValues(Condition).some((values) => values.every((value) => value === accountId));
}

/** Undefined where others stand beside them: a canonical user may be of any account. */
function accountPrincipals(principal: unknown): unknown[] | undefined {
  if (typeof principal !== 'object' || principal === null || !('AWS' in principal)) return undefined;
  return Object.keys(principal).length === 1 ? [principal.AWS].flat() : undefined;
}

/** Of `StringEquals` on `aws:PrincipalAccount`: one value or several, all of which have to be ours. */
function conditionValues(condition: unknown): unknown[][] {
  if (typeof condition !== 'object' || condition === null || !('StringEquals' in condition)) return [];
  const { StringEquals } = condition;
  if (typeof StringEquals !== 'object' || StringEquals === null) return [];
  return Object.entries(StringEquals)
    .filter(([key]) => key.toLowerCase() === 'aws:principalaccount')
    .map(([, value]) => [value].flat());
}
