import { join } from 'node:path';
import type { LabStatus } from './lab-status.ts';

/** What would win over the lab's own settings in the AWS SDK or the Temporal client. */
const UNSET = [
  'AWS_PROFILE',
  'AWS_SESSION_TOKEN',
  'AWS_ENDPOINT_URL',
  'TEMPORAL_PROFILE',
  'TEMPORAL_API_KEY',
  'TEMPORAL_TLS',
] as const;

export function configFile(stateDir: string): string {
  return join(stateDir, 'temporal.config.ts');
}

/** The standard variables that point the product, the AWS CLI and the Temporal CLI at the lab. */
export function labEnv(
  { aws, temporal, stateDir }: LabStatus,
  deploymentId: string,
  role?: 'control' | 'mover',
): Readonly<Record<string, string>> {
  const { ec2, ebs, ssm, kms, sts, s3 } = aws.endpoints;
  const { accessKeyId, secretAccessKey } = role ? aws.roles[role] : aws;
  return {
    AWS_ENDPOINT_URL_EC2: ec2,
    AWS_ENDPOINT_URL_EBS: ebs,
    AWS_ENDPOINT_URL_SSM: ssm,
    AWS_ENDPOINT_URL_KMS: kms,
    AWS_ENDPOINT_URL_STS: sts,
    AWS_ENDPOINT_URL_S3: s3,
    AWS_REGION: aws.region,
    // boto3 and version 1 of the AWS CLI read this one only.
    AWS_DEFAULT_REGION: aws.region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    // Nothing of the lab may ask the metadata service of the host, if the host is an EC2 machine itself.
    AWS_EC2_METADATA_DISABLED: 'true',
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    ...(temporal.ui !== null && { TEMPORAL_UI_URL: temporal.ui }),
    UNDERSTUDY_CONFIG: configFile(stateDir),
    UNDERSTUDY_DEPLOYMENT_ID: deploymentId,
  };
}

/** A process environment with the lab's variables instead of the caller's own. */
export function withLabEnv(base: NodeJS.ProcessEnv, lab: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const kept = Object.entries(base).filter(([name]) => !(UNSET as readonly string[]).includes(name));
  return { ...Object.fromEntries(kept), ...lab };
}

/** Lines for `eval` in any POSIX shell. */
export function shellExports(lab: Readonly<Record<string, string>>): string {
  const exports = Object.entries(lab).map(([name, value]) => `export ${name}=${quote(value)}`);
  return `${[`unset ${UNSET.join(' ')}`, ...exports].join('\n')}\n`;
}

function quote(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}
