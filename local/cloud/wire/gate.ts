import type { Cloud } from '../cloud.ts';
import { CloudError } from '../cloud-error.ts';
import { isDenied, readDenials } from '../denials.ts';
import { mentionedIds, touchedResources } from '../mentioned-ids.ts';

/** How a service says no: EC2's name differs from everybody else's. */
export interface GateWords {
  readonly denied: { readonly code: string; readonly httpStatus: number };
  readonly throttled: { readonly code: string; readonly httpStatus: number };
}

export interface Entry {
  readonly service: string;
  readonly action: string;
  readonly accessKeyId: string;
  readonly input: unknown;
}

const buckets = new WeakMap<Cloud, Map<string, { tokens: number; at: number }>>();

/** Throttles and denials, before anything is looked at or done. */
export function passGate(cloud: Cloud, { service, action, accessKeyId, input }: Entry, words: GateWords): void {
  const name = `${service}:${action}`;
  if (!takeToken(cloud, name))
    throw new CloudError(words.throttled.code, `Request limit exceeded for ${name}.`, words.throttled);
  const touched = touchedResources(cloud.db, mentionedIds(input));
  if (!isDenied(readDenials(cloud.store), { accessKeyId, action: name, touched })) return;
  const who = cloud.settings.keys.find((key) => key.accessKeyId === accessKeyId)?.name ?? accessKeyId;
  const arn = `arn:aws:iam::${cloud.settings.accountId}:user/${who}`;
  throw new CloudError(words.denied.code, `User: ${arn} is not authorized to perform: ${name}`, words.denied);
}

function takeToken(cloud: Cloud, name: string): boolean {
  const rule = cloud.settings.throttle[name];
  if (rule === undefined) return true;
  const known = buckets.get(cloud) ?? new Map<string, { tokens: number; at: number }>();
  buckets.set(cloud, known);
  const bucket = known.get(name) ?? { tokens: rule.capacity, at: cloud.now() };
  const tokens = Math.min(rule.capacity, bucket.tokens + ((cloud.now() - bucket.at) / 1_000) * rule.perSecond);
  known.set(name, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: cloud.now() });
  return tokens >= 1;
}
