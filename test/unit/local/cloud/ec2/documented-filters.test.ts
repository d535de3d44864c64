import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../../../../local/cloud/cloud.ts';
import { EC2_OPERATIONS } from '../../../../../local/cloud/ec2/operations.ts';
import { askEc2, cloudInProcess, readElement } from '../../../../support/cloud-in-process.ts';

const MODELS = fileURLToPath(new URL('.', import.meta.resolve('@aws-sdk/client-ec2/package.json')));

const home = cloudInProcess();
let cloud: Cloud;
let vpcId: string;
beforeAll(async () => {
  cloud = await home.open();
  vpcId = readElement(await askEc2(cloud, { Action: 'CreateVpc', CidrBlock: '10.0.0.0/16' }), 'vpcId');
});
afterAll(() => home.end());

/** Values of a filter of DescribeImages, which the reference lists as it does names. */
const SEVERITIES = ['informational', 'low', 'medium', 'high', 'critical'];

/** The names that EC2's reference lists for a request, as the SDK's own comments quote them. */
function documentedFilters(): Map<string, string[]> {
  const folder = `${MODELS}/dist-types/models`;
  const text = readdirSync(folder).map((file) => readFileSync(`${folder}/${file}`, 'utf8'));
  const requests = [...text.join('\n').matchAll(/export interface (Describe\w+)Request \{([\s\S]*?)\n\}/g)];
  return new Map(
    requests.flatMap(([, action = '', members = '']) => {
      const comment = /\/\*\*((?:(?!\*\/)[\s\S])*?)\*\/\s*Filters?\?:/.exec(members)?.[1];
      if (comment === undefined) return [];
      const names = [...comment.matchAll(/<p>\s*\*?\s*<code>([a-z0-9.-]+)<\/code>/g)].map(([, name = '']) => name);
      const filters = names.filter((name) => !SEVERITIES.includes(name));
      // `tag` stands for `tag:<key>`.
      return [[action, filters.map((name) => (name === 'tag' ? 'tag:Name' : name))]];
    }),
  );
}

const DOCUMENTED = documentedFilters();
const actions = Object.keys(EC2_OPERATIONS).filter((action) => DOCUMENTED.has(action));

test('EC2 documents filters for what is described here', () => {
  expect(actions.length).toBeGreaterThan(20);
  expect(DOCUMENTED.get('DescribeVolumes')).toContain('attachment.status');
});

test.each(actions)('%s knows every filter that EC2 documents for it', async (action) => {
  const refused: string[] = [];
  for (const name of DOCUMENTED.get(action) ?? []) {
    const fields = { Action: action, 'Filter.1.Name': name, 'Filter.1.Value.1': 'no such value' };
    await askEc2(cloud, fields).catch((error: unknown) => refused.push(`${name}: ${String(error)}`));
  }
  expect(refused).toEqual([]);
});

test.each([
  { action: 'DescribeVpcs', filter: 'cidr-block', value: '10.0.*' },
  { action: 'DescribeVpcs', filter: 'owner-id', value: '000000000000' },
  { action: 'DescribeSecurityGroups', filter: 'egress.ip-permission.cidr', value: '0.0.0.0/0' },
  { action: 'DescribeSecurityGroups', filter: 'ip-permission.group-name', value: 'default' },
  { action: 'DescribeRouteTables', filter: 'route.state', value: 'active' },
  { action: 'DescribeNetworkAcls', filter: 'entry.rule-action', value: 'deny' },
  { action: 'DescribeRegions', filter: 'region-name', value: 'local-*' },
  { action: 'DescribeAvailabilityZones', filter: 'zone-id', value: 'local-1a' },
  { action: 'DescribeInstanceTypes', filter: 'memory-info.size-in-mib', value: '512' },
])('$action finds by $filter what it shows', async ({ action, filter, value }) => {
  const ask = (text: string) => askEc2(cloud, { Action: action, 'Filter.1.Name': filter, 'Filter.1.Value.1': text });
  expect(await ask(value)).toMatch(new RegExp(`${vpcId}|local-1|t3.small`));
  expect(await ask(`not ${value}`)).not.toMatch(new RegExp(`${vpcId}|local-1|t3.small`));
});
