import * as client from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { decodeQuery, encodeEc2Answer } from '../../../../../local/cloud/wire/query-codec.ts';

/** The form that the SDK really sends and the answer that it really reads: a client whose network is our codec. */
async function roundTrip<I extends object, O extends object>(
  action: string,
  command: { input: I },
  output: O,
): Promise<{ seen: unknown; read: O }> {
  let seen: unknown;
  const schema = Reflect.get(client, `${action}$`) as unknown[];
  const ec2 = new client.EC2Client({
    region: 'local-1',
    endpoint: 'http://127.0.0.1:1',
    credentials: { accessKeyId: 'A', secretAccessKey: 'B' },
    requestHandler: {
      async handle(request: { body: string }) {
        const fields = [...new URLSearchParams(request.body)].filter(
          ([name]) => name !== 'Action' && name !== 'Version',
        );
        seen = decodeQuery(schema[4], fields);
        const body = encodeEc2Answer(action, schema[5], output, 'request-1');
        const { HttpResponse } = await import('@smithy/core/transport');
        return {
          response: new HttpResponse({
            statusCode: 200,
            headers: { 'content-type': 'text/xml' },
            body: Buffer.from(body),
          }),
        };
      },
    },
  });
  const { $metadata, ...read } = (await ec2.send(command as never)) as unknown as O & { $metadata: unknown };
  return { seen, read: read as unknown as O };
}

test('RunInstances arrives as it was sent, nested lists, empty strings and blobs included', async () => {
  const input = {
    ImageId: 'ami-1',
    MinCount: 1,
    MaxCount: 1,
    ClientToken: 'token',
    UserData: 'IyE=',
    NetworkInterfaces: [{ DeviceIndex: 0, SubnetId: 'subnet-1', Groups: ['sg-1', 'sg-2'] }],
    BlockDeviceMappings: [
      { DeviceName: '/dev/xvda', Ebs: { DeleteOnTermination: true, VolumeInitializationRate: 300 } },
      { DeviceName: '/dev/sdf', NoDevice: '' },
    ],
    TagSpecifications: [{ ResourceType: 'instance' as const, Tags: [{ Key: 'a=&', Value: 'ü <b>' }] }],
  };
  const output = {
    ReservationId: 'r-1',
    Instances: [
      { InstanceId: 'i-1', State: { Code: 0, Name: 'pending' as const }, Tags: [{ Key: 'k&', Value: '<v>' }] },
    ],
  };
  const { seen, read } = await roundTrip('RunInstances', new client.RunInstancesCommand(input), output);
  expect(seen).toEqual(input);
  expect(read).toMatchObject(output);
});

test('snapshots keep times, numbers and truth values, and an empty set reads as an empty list', async () => {
  const output = {
    Snapshots: [
      {
        SnapshotId: 'snap-1',
        VolumeSize: 8,
        Encrypted: false,
        StartTime: new Date('2026-11-23T02:31:07.412Z'),
        State: 'completed' as const,
        Tags: [],
      },
    ],
  };
  const { read } = await roundTrip(
    'DescribeSnapshots',
    new client.DescribeSnapshotsCommand({ OwnerIds: ['self'] }),
    output,
  );
  expect(read).toEqual(output);
});

test('an operation without output answers "true"', () => {
  const schema = Reflect.get(client, 'CreateTags$') as unknown[];
  expect(encodeEc2Answer('CreateTags', schema[5], undefined, 'r')).toContain('<return>true</return>');
});

test.each([
  { fields: [['Instanceid.1', 'i-1']], why: /Instanceid/ },
  { fields: [['InstanceId.first', 'i-1']], why: /InstanceId/ },
  { fields: [['DryRun', 'maybe']], why: /DryRun/ },
  { fields: [['MaxResults', 'ten']], why: /MaxResults/ },
  { fields: [['NextToken', 'a\u0001b']], why: /NextToken is invalid/ },
  { fields: [['InstanceId.1', '\uFFFE']], why: /InstanceId.1 is invalid/ },
])('a field that the service does not know or cannot read is refused by name: $fields', ({ fields, why }) => {
  const schema = Reflect.get(client, 'DescribeInstances$') as unknown[];
  expect(() => decodeQuery(schema[4], fields as [string, string][])).toThrow(why);
});

test.each(['__proto__.DryRun', 'constructor.prototype.DryRun', 'Filter.1.__proto__.DryRun'])(
  'a field %s is refused and changes nothing outside its request',
  (field) => {
    const schema = Reflect.get(client, 'DescribeInstances$') as unknown[];
    const decode = () => decodeQuery(schema[4], [[field, 'true']]);
    try {
      expect(decode).toThrow(/is not recognized/);
      expect({}).not.toHaveProperty('DryRun');
    } finally {
      Reflect.deleteProperty(Object.prototype, 'DryRun');
    }
  },
);
