import { z } from 'zod';

/** EC2 ids: 8 hexadecimal digits before 2016, 17 since (AWS "Longer EC2 resource IDs"). */
export const InstanceId = z.string().regex(/^i-[0-9a-f]{8}([0-9a-f]{9})?$/, 'must look like i-0123456789abcdef0');
export const VolumeId = z.string().regex(/^vol-[0-9a-f]{8}([0-9a-f]{9})?$/, 'must look like vol-0123456789abcdef0');

/** A name that the configuration gives to a vault, an isolation profile, a plan or a recipe. */
export const ConfiguredName = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be a lower-case name such as "main"');

/** `<yyyymmddThhmmssZ>-<8 hex>`, made once by each workflow that makes resources. A point's id is its backup's runId. */
export const RunId = z.string().regex(/^\d{8}T\d{6}Z-[0-9a-f]{8}$/, 'must look like 20261123T023107Z-9f2c01ab');
export type RunId = z.output<typeof RunId>;

export const Method = z.enum(['stop-and-snapshot', 'application-agent']);
export type Method = z.output<typeof Method>;

/** From weakest to strongest. */
export const CONSISTENCY_CLASSES = ['crash-consistent', 'clean-shutdown', 'application-consistent'] as const;
export const ConsistencyClass = z.enum(CONSISTENCY_CLASSES);
export type ConsistencyClass = z.output<typeof ConsistencyClass>;

export function isAtLeast(found: ConsistencyClass, wanted: ConsistencyClass): boolean {
  return CONSISTENCY_CLASSES.indexOf(found) >= CONSISTENCY_CLASSES.indexOf(wanted);
}

/** What a capture cannot hold, and a person may accept by name; the manifest then lists it. */
export const AcceptedRisk = z.enum(['instance-store', 'multi-attach', 'product-codes']);
export type AcceptedRisk = z.output<typeof AcceptedRisk>;

/** How deep a vault or a point is looked at without booting anything; docs/operations/checking.md. */
export const CheckLevel = z.enum(['structure', 'sample', 'full']);
export type CheckLevel = z.output<typeof CheckLevel>;
