import { createHmac } from 'node:crypto';
import type { Cloud } from '../cloud.ts';
import { CloudError } from '../cloud-error.ts';
import type { SnapshotRecord } from '../records.ts';

/** A block token names the listing it came from; nothing is stored, so a restart of the cloud ends none. */
export function blockToken(cloud: Cloud, { id, listing }: SnapshotRecord, block: number, expiresAt: number): string {
  return `${listing}.${expiresAt}.${sign(cloud, `block/${id}/${block}/${listing}/${expiresAt}`)}`;
}

export function checkBlockToken(cloud: Cloud, { id, listing }: SnapshotRecord, block: number, token: string): void {
  const [madeBy = '', expiresAt = '', signature = ''] = token.split('.');
  const genuine = signature === sign(cloud, `block/${id}/${block}/${madeBy}/${expiresAt}`);
  const current = !cloud.settings.ebs.strictTokens || Number(madeBy) === listing;
  if (genuine && current && Number(expiresAt) > cloud.now()) return;
  throw new CloudError(
    'ValidationException',
    'The block token is invalid, expired, or older than the last listing of this snapshot',
    {
      reason: 'INVALID_BLOCK_TOKEN',
    },
  );
}

/** Where a listing goes on, and under which number. */
export interface PagePosition {
  readonly of: string;
  readonly start: number;
  readonly listings: readonly number[];
  readonly expiresAt: number;
}

export function encodePageToken(cloud: Cloud, position: PagePosition): string {
  const text = JSON.stringify(position);
  return `${Buffer.from(text).toString('base64url')}.${sign(cloud, `page/${text}`)}`;
}

export function decodePageToken(cloud: Cloud, token: string, of: string): PagePosition {
  const [encoded = '', signature = ''] = token.split('.');
  const text = Buffer.from(encoded, 'base64url').toString();
  if (signature === sign(cloud, `page/${text}`)) {
    const position = JSON.parse(text) as PagePosition;
    if (position.of === of && position.expiresAt > cloud.now()) return position;
  }
  throw new CloudError('ValidationException', 'The page token is invalid or expired', { reason: 'INVALID_PAGE_TOKEN' });
}

function sign(cloud: Cloud, text: string): string {
  return createHmac('sha256', cloud.secret).update(text).digest('base64url').slice(0, 32);
}
