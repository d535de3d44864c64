import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const Loopback = z.string().regex(/^http:\/\/127\.0\.0\.1:\d+$/);
const Key = z.strictObject({ accessKeyId: z.string(), secretAccessKey: z.string() });
const Port = z.int().min(1).max(65_535);

/** `status --json`: what other tools rely on. */
export const LabStatus = z.strictObject({
  schema: z.literal('understudy.local/1'),
  state: z.enum(['up', 'partial', 'down']),
  aws: z.strictObject({
    region: z.string(),
    accountId: z.string().regex(/^\d{12}$/),
    ...Key.shape,
    roles: z.strictObject({ control: Key, mover: Key }),
    endpoints: z.strictObject({
      ec2: Loopback,
      ebs: Loopback,
      ssm: Loopback,
      kms: Loopback,
      sts: Loopback,
      s3: Loopback,
    }),
  }),
  control: Loopback,
  temporal: z.strictObject({ address: z.string(), namespace: z.string(), ui: Loopback.nullable() }),
  vault: z.strictObject({ url: z.string(), kmsKeyId: z.string() }),
  isolation: z.strictObject({
    vpcId: z.string(),
    subnetId: z.string(),
    verifySubnetId: z.string(),
    securityGroupId: z.string(),
  }),
  production: z.strictObject({
    instanceId: z.string(),
    volumeIds: z.array(z.string()),
    applications: z.tuple([
      z.strictObject({
        name: z.literal('postgresql'),
        host: z.literal('127.0.0.1'),
        port: Port,
        user: z.string(),
        database: z.string(),
      }),
      z.strictObject({ name: z.literal('redis'), host: z.literal('127.0.0.1'), port: Port }),
    ]),
  }),
  stateDir: z.string(),
});
export type LabStatus = z.output<typeof LabStatus>;

const file = (stateDir: string) => join(stateDir, 'status.json');

/** Appears whole or not at all; readable by its owner only, since it holds the lab's keys. */
export function writeLabStatus(status: LabStatus): void {
  const path = file(status.stateDir);
  writeFileSync(`${path}.new`, `${JSON.stringify(LabStatus.parse(status), null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** What the last `up` or `down` left; undefined when none has finished. */
export function readLabStatus(stateDir: string): LabStatus | undefined {
  try {
    return LabStatus.parse(JSON.parse(readFileSync(file(stateDir), 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
