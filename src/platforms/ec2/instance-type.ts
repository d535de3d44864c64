import { DescribeInstanceTypesCommand, type InstanceTypeInfo } from '@aws-sdk/client-ec2';
import type { Ec2Context } from './context.ts';
import { call } from './errors.ts';

/** What EC2 says of a type; undefined where an endpoint does not know it. */
export async function findInstanceType(
  { clients }: Ec2Context,
  instanceType: string,
  signal: AbortSignal,
): Promise<InstanceTypeInfo | undefined> {
  const filters = [{ Name: 'instance-type', Values: [instanceType] }];
  const answer = await call(`DescribeInstanceTypes ${instanceType}`, signal, () =>
    clients.ec2.send(new DescribeInstanceTypesCommand({ Filters: filters }), { abortSignal: signal }),
  );
  return answer.InstanceTypes?.find(({ InstanceType }) => InstanceType === instanceType);
}
