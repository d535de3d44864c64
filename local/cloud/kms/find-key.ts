import { randomBytes, randomUUID } from 'node:crypto';
import type { Cloud } from '../cloud.ts';
import type { KeyRecord, Tags } from '../records.ts';

/** Names that begin so belong to AWS's services. */
export const AWS_ALIASES = 'alias/aws/';
const EBS_ALIAS = `${AWS_ALIASES}ebs`;

export interface NewKey {
  readonly description: string;
  readonly tags: Tags;
  readonly manager?: 'AWS';
}

export function makeKey({ db, settings, now }: Cloud, { description, tags, manager }: NewKey): KeyRecord {
  const id = randomUUID();
  return db.keys.put({
    id,
    arn: `${arnPrefix(settings)}:key/${id}`,
    createdAt: now(),
    description,
    state: 'Enabled',
    material: randomBytes(32).toString('base64'),
    tags,
    ...(manager !== undefined && { manager }),
  });
}

/** By id, ARN, alias or the ARN of an alias: what every call takes that uses a key or asks about it. */
export function findKey(cloud: Cloud, name: string): KeyRecord | undefined {
  const alias = aliasName(cloud, name);
  if (alias === EBS_ALIAS) return ensureEbsKey(cloud);
  if (alias !== undefined) return cloud.db.keys.get(cloud.db.aliases.get(alias)?.keyId ?? '');
  return findKeyItself(cloud, name);
}

/** By id or ARN only: calls that change a key take no alias. */
export function findKeyItself({ db }: Cloud, name: string): KeyRecord | undefined {
  return db.keys.all().find(({ id, arn }) => id === name || arn === name);
}

/**
 * The key that EBS encrypts with where a call names none, made when it is first asked for ("Amazon EBS encryption", Default
 * KMS key for EBS encryption; DescribeKey of KMS).
 */
export function ensureEbsKey(cloud: Cloud): KeyRecord {
  const alias = cloud.db.aliases.get(EBS_ALIAS);
  const known = alias && cloud.db.keys.get(alias.keyId);
  if (known !== undefined) return known;
  const description = 'Default key that protects my EBS volumes when no other key is defined';
  const key = makeKey(cloud, { description, tags: {}, manager: 'AWS' });
  putAlias(cloud, EBS_ALIAS, key);
  return key;
}

export function putAlias({ db, now }: Cloud, id: string, key: KeyRecord): void {
  const at = now();
  db.aliases.put({ id, keyId: key.id, createdAt: db.aliases.get(id)?.createdAt ?? at, updatedAt: at });
}

export function aliasArn({ settings }: Cloud, alias: string): string {
  return `${arnPrefix(settings)}:${alias}`;
}

/** What `name` calls an alias by: `alias/…` or its ARN in this account and region. */
function aliasName(cloud: Cloud, name: string): string | undefined {
  if (name.startsWith('alias/')) return name;
  const prefix = aliasArn(cloud, 'alias/');
  return name.startsWith(prefix) ? `alias/${name.slice(prefix.length)}` : undefined;
}

function arnPrefix({ region, accountId }: Cloud['settings']): string {
  return `arn:aws:kms:${region}:${accountId}`;
}
