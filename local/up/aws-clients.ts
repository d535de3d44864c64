import { EBSClient } from '@aws-sdk/client-ebs';
import { EC2Client } from '@aws-sdk/client-ec2';
import { KMSClient } from '@aws-sdk/client-kms';
import { SSMClient } from '@aws-sdk/client-ssm';
import type { LabPlan } from './lab-plan.ts';

/** The ordinary clients, as a person's own program would make them. */
export interface LabClients {
  readonly ec2: EC2Client;
  readonly ebs: EBSClient;
  readonly ssm: SSMClient;
  readonly kms: KMSClient;
  destroy(): void;
}

export interface CloudEndpoints {
  readonly ec2: string;
  readonly ebs: string;
  readonly ssm: string;
  readonly kms: string;
}

export function createLabClients(endpoints: CloudEndpoints, { region, keys }: LabPlan): LabClients {
  const { accessKeyId, secretAccessKey } = keys.admin;
  const common = { region, credentials: { accessKeyId, secretAccessKey } };
  const ec2 = new EC2Client({ ...common, endpoint: endpoints.ec2 });
  const ebs = new EBSClient({ ...common, endpoint: endpoints.ebs });
  const ssm = new SSMClient({ ...common, endpoint: endpoints.ssm });
  const kms = new KMSClient({ ...common, endpoint: endpoints.kms });
  return {
    ec2,
    ebs,
    ssm,
    kms,
    destroy() {
      for (const client of [ec2, ebs, ssm, kms]) client.destroy();
    },
  };
}
