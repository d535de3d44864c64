import { EBSClient } from '@aws-sdk/client-ebs';
import { EC2Client } from '@aws-sdk/client-ec2';
import { KMSClient } from '@aws-sdk/client-kms';
import { SSMClient } from '@aws-sdk/client-ssm';
import { receivingAgents } from '../../vault/receiving-agents.ts';

export interface Ec2Clients {
  /** Reads, and mutations that carry a token or are repeatable by definition. */
  readonly ec2: EC2Client;
  /**
   * For mutations without a token. The SDK repeats a request whose reply was lost: CreateSnapshots then happens twice,
   * seen on the wire (@aws-sdk/client-ec2 3.1169). One attempt, and whoever calls looks for the result.
   */
  readonly ec2Once: EC2Client;
  /** One attempt per call: a block's body breaks after the SDK's retries are over, so retrying is done around all of it. */
  readonly ebs: EBSClient;
  readonly kms: KMSClient;
  readonly ssm: SSMClient;
  /** SendCommand takes no token either: repeated, it runs twice. */
  readonly ssmOnce: SSMClient;
}

// 96 sockets: the SDK's default of 50 leaves 14 of 64 block reads waiting; two volumes share one client.
const EBS_SOCKETS = 96;
// 96 of them are 6 MiB. A mover of 2 GiB was 393 to 402 MiB resident with these, 464 to 482 as Node receives by itself.
const EBS_RECEIVE_BYTES = 64 << 10;
// The SDK waits for ever by default. A describe answers within a second, RunInstances within ten.
const REQUEST_TIMEOUT_MS = 60_000;
// A 512 KiB block takes about 100 ms (AWS, EBS direct API performance).
const BLOCK_TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 5_000;

/** Region, credentials and endpoints come from the standard chain (AWS_REGION, profiles, AWS_ENDPOINT_URL_EC2, …). */
export function createEc2Clients(region?: string): Ec2Clients {
  const common = { ...(region !== undefined && { region }) };
  const calls = {
    requestHandler: {
      requestTimeout: REQUEST_TIMEOUT_MS,
      socketTimeout: REQUEST_TIMEOUT_MS, // the one above ends with an answer's headers, and its body may never come
      connectionTimeout: CONNECT_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  };
  return {
    // 5 attempts: describes are throttled per account, and every tool of the account shares that bucket.
    ec2: new EC2Client({ ...common, ...calls, maxAttempts: 5 }),
    ec2Once: new EC2Client({ ...common, ...calls, maxAttempts: 1 }),
    ebs: new EBSClient({
      ...common,
      maxAttempts: 1,
      requestHandler: {
        requestTimeout: BLOCK_TIMEOUT_MS,
        socketTimeout: BLOCK_TIMEOUT_MS,
        connectionTimeout: CONNECT_TIMEOUT_MS,
        throwOnRequestTimeout: true,
        ...receivingAgents({ keepAlive: true, maxSockets: EBS_SOCKETS }, EBS_RECEIVE_BYTES),
      },
    }),
    kms: new KMSClient({ ...common, ...calls, maxAttempts: 5 }),
    ssm: new SSMClient({ ...common, ...calls, maxAttempts: 5 }),
    ssmOnce: new SSMClient({ ...common, ...calls, maxAttempts: 1 }),
  };
}
