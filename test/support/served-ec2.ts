import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EBSClient } from '@aws-sdk/client-ebs';
import { EC2Client } from '@aws-sdk/client-ec2';
import { createEc2Clients } from '../../src/platforms/ec2/clients.ts';
import type { Ec2Context } from '../../src/platforms/ec2/context.ts';

/** A context for which `server` is EC2 and EBS. Nothing waits; `waits` gets what it would have waited, in milliseconds. */
export async function servedEc2(server: Server, waits: number[] = []): Promise<Ec2Context> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const options = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'x-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 's' },
    maxAttempts: 1,
  };
  return {
    clients: { ...createEc2Clients('x-1'), ec2: new EC2Client(options), ebs: new EBSClient(options) },
    clock: () => new Date(0),
    sleep: async (ms) => void waits.push(ms),
    log: () => {},
    random: () => 0.5,
  };
}
