import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError } from '../cloud-error.ts';
import type { AliasRecord } from '../records.ts';
import { type JsonOperation, jsonOperation } from '../wire/json-service.ts';
import { AWS_ALIASES, aliasArn, putAlias } from './find-key.ts';
import { changeableKey, requireKeyItself } from './key-access.ts';

// CreateAlias of KMS: 1 to 256 characters, these only.
const AliasName = z
  .string()
  .max(256)
  .regex(/^alias\/[a-zA-Z0-9/_-]+$/);
const AliasOfKey = z.strictObject({ AliasName, TargetKeyId: z.string() });
/** ListAliases of KMS: 1 to 100, 50 by default. */
const PAGE = 50;

export const ALIAS_OPERATIONS: Readonly<Record<string, JsonOperation>> = {
  CreateAlias: jsonOperation(AliasOfKey, (cloud, { AliasName, TargetKeyId }) => {
    refuseReserved(AliasName);
    if (cloud.db.aliases.get(AliasName) !== undefined)
      throw new CloudError('AlreadyExistsException', `${aliasArn(cloud, AliasName)} already exists`);
    putAlias(cloud, AliasName, changeableKey(cloud, TargetKeyId));
    return undefined;
  }),
  UpdateAlias: jsonOperation(AliasOfKey, (cloud, { AliasName, TargetKeyId }) => {
    requireAlias(cloud, AliasName);
    putAlias(cloud, AliasName, changeableKey(cloud, TargetKeyId));
    return undefined;
  }),
  DeleteAlias: jsonOperation(z.strictObject({ AliasName }), (cloud, { AliasName }) => {
    cloud.db.aliases.remove(requireAlias(cloud, AliasName).id);
    return undefined;
  }),
  ListAliases: jsonOperation(
    z.strictObject({
      KeyId: z.string().optional(),
      Limit: z.int().min(1).max(100).default(PAGE),
      Marker: z.string().optional(),
    }),
    (cloud, { KeyId, Limit, Marker = '' }) => {
      const key = KeyId === undefined ? undefined : requireKeyItself(cloud, KeyId);
      const left = cloud.db.aliases
        .all()
        .filter(({ id, keyId }) => id > Marker && (key === undefined || keyId === key.id))
        .sort((a, b) => (a.id < b.id ? -1 : 1));
      const page = left.slice(0, Limit);
      const Truncated = left.length > page.length;
      return {
        Aliases: page.map((alias) => render(cloud, alias)),
        Truncated,
        ...(Truncated && { NextMarker: page.at(-1)?.id }),
      };
    },
  ),
};

function refuseReserved(alias: string): void {
  if (alias.startsWith(AWS_ALIASES))
    throw new CloudError('NotAuthorizedException', `${alias}: names that begin with ${AWS_ALIASES} are AWS's own`);
}

function requireAlias(cloud: Cloud, alias: string): AliasRecord {
  refuseReserved(alias);
  const known = cloud.db.aliases.get(alias);
  if (known === undefined) throw new CloudError('NotFoundException', `Alias ${aliasArn(cloud, alias)} is not found.`);
  return known;
}

function render(cloud: Cloud, { id, keyId, createdAt, updatedAt }: AliasRecord): object {
  return {
    AliasName: id,
    AliasArn: aliasArn(cloud, id),
    TargetKeyId: keyId,
    CreationDate: createdAt / 1_000,
    LastUpdatedDate: updatedAt / 1_000,
  };
}
