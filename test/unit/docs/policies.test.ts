import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { z } from 'zod';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PAGE = readFileSync(join(ROOT, 'docs/aws.md'), 'utf8');
const BUCKET_PAGE = readFileSync(join(ROOT, 'docs/operations/bucket.md'), 'utf8');

const oneOrMore = z.union([z.string().transform((one) => [one]), z.array(z.string())]);
const Statement = z.object({ Sid: z.string().optional(), Effect: z.enum(['Allow', 'Deny']), Action: oneOrMore });
type Statement = z.output<typeof Statement>;
const Policy = z.object({ Version: z.literal('2012-10-17'), Statement: z.array(Statement) });

/** Statements of a section; a fence holds a policy, or statements to be added to one. */
function statementsOf(heading: string, page = PAGE): readonly Statement[] {
  const section = page.split(new RegExp(`^#+ ${heading}$`, 'm'))[1]?.split(/^##/m)[0] ?? '';
  return [...section.matchAll(/```json\n([\s\S]*?)```/g)].flatMap(([, text = '']) => {
    if (text.includes('"Statement"')) return Policy.parse(JSON.parse(text)).Statement;
    return z.array(Statement).parse(JSON.parse(`[${text}]`));
  });
}

const CONTROL = statementsOf('Control worker');
const MOVER = statementsOf('Mover');
/** What a person adds for restores. */
const RESTORES = statementsOf('Restores');
/** What a person adds for networks with endpoints. */
const RUN_COMMAND = statementsOf('Run Command');
const KEYS = statementsOf('3. Keys');
/** Of the collector and of whoever checks a bucket; the others' are on the page of AWS, too. */
const BUCKET = ['Collector', 'Version deleter', 'Whoever checks a bucket', 'Control worker', 'Mover'].flatMap((role) =>
  statementsOf(role, BUCKET_PAGE),
);

/** Actions whose name is not the command's. */
const RENAMED: Readonly<Record<string, string>> = {
  HeadObject: 's3:GetObject',
  ListObjectsV2: 's3:ListBucket',
  ListObjectVersions: 's3:ListBucketVersions',
  GetObjectLockConfiguration: 's3:GetBucketObjectLockConfiguration',
};
const SERVICES = {
  'client-ec2': 'ec2',
  'client-ebs': 'ebs',
  'client-kms': 'kms',
  'client-ssm': 'ssm',
  'client-s3': 's3',
  'client-sts': 'sts',
};

/** What the product's code sends, read from its imports of the SDK. */
function actionsOfTheCode(): string[] {
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const actions = files.flatMap((file) => {
    const source = readFileSync(join(ROOT, 'src', file), 'utf8');
    return [...source.matchAll(/import \{([^}]*)\} from '@aws-sdk\/(client-\w+)'/g)].flatMap(
      ([, names = '', client = '']) => {
        const service = new Map(Object.entries(SERVICES)).get(client) ?? client;
        const commands = [...names.matchAll(/\b(\w+)Command\b/g)].map(([, command = '']) => command);
        return commands.map((command) => RENAMED[command] ?? `${service}:${command}`);
      },
    );
  });
  // GetCallerIdentity needs no permission (AWS: it cannot even be denied).
  return [...new Set(actions)].filter((action) => action !== 'sts:GetCallerIdentity').sort();
}

function matches(pattern: string, action: string): boolean {
  return pattern.endsWith('*') ? action.startsWith(pattern.slice(0, -1)) : pattern === action;
}

function named(statements: readonly Statement[], effect: Statement['Effect'], action: string): boolean {
  return statements.some(
    ({ Effect, Action }) => Effect === effect && Action.some((pattern) => matches(pattern, action)),
  );
}

test('every call that the code can send is allowed by a policy of the page', () => {
  const actions = actionsOfTheCode();
  expect(actions.length).toBeGreaterThan(35);
  expect(
    actions.filter(
      (action) => !named([...CONTROL, ...MOVER, ...RESTORES, ...RUN_COMMAND, ...KEYS, ...BUCKET], 'Allow', action),
    ),
  ).toEqual([]);
});

test('the code sends nothing that is denied without a condition', () => {
  const denied = CONTROL.filter(({ Sid }) => Sid === 'NeverOnProduction');
  expect(denied).toHaveLength(1);
  expect(actionsOfTheCode().filter((action) => named(denied, 'Deny', action))).toEqual([]);
});

test.each([
  'ec2:StopInstances',
  'ec2:TerminateInstances',
  'ec2:DeleteSnapshot',
  'ec2:CreateSnapshots',
  'ec2:RunInstances',
])('the mover may not %s', (action) => {
  expect(named(CONTROL, 'Allow', action)).toBe(true);
  expect(named(MOVER, 'Allow', action)).toBe(false);
});

test.each(['ebs:ListSnapshotBlocks', 'ebs:GetSnapshotBlock', 'ebs:ListChangedBlocks'])(
  'only the mover may %s',
  (action) => {
    expect(named(MOVER, 'Allow', action)).toBe(true);
    expect(named(CONTROL, 'Allow', action)).toBe(false);
  },
);

test('nobody may delete from the vault, make images of production or reboot it', () => {
  for (const action of [
    's3:DeleteObject',
    's3:DeleteObjectVersion',
    'ec2:CreateImage',
    'ec2:RebootInstances',
    'iam:PassRole',
  ]) {
    expect(named([...CONTROL, ...MOVER], 'Allow', action)).toBe(false);
  }
});
