import { expect, test } from 'vitest';
import { ENDPOINT_LINES } from '../../../../src/platforms/ec2/endpoint-lines.ts';
import { NETWORK_LINES } from '../../../../src/platforms/ec2/network-lines.ts';
import { answerEc2 } from '../../../support/ec2-answers.ts';
import { ISOLATION } from '../../../support/fake-activities.ts';

const NEVER = new AbortController().signal;
const TAGS = '<tagSet><item><key>understudy:run</key><value>another</value></item></tagSet>';

const LINES = { sealed: NETWORK_LINES, 'endpoints-only': ENDPOINT_LINES };

/** What the line finds when an interface carries a run's tag from the given look on, and how long that took. */
async function prove(kind: keyof typeof LINES, taggedFrom: number) {
  const { context, of } = await answerEc2((action, calls) => {
    if (action !== 'DescribeNetworkInterfaces') return '';
    const look = calls.filter((call) => call.get('Action') === action).length;
    const tags = look >= taggedFrom ? TAGS : '';
    return `<networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId>${tags}</item></networkInterfaceSet>`;
  });
  let waitedMs = 0;
  const waiting = {
    ...context,
    async sleep(ms: number) {
      waitedMs += ms;
    },
  };
  const line = LINES[kind].find(({ name }) => name === 'foreign-interfaces');
  const finding = await line?.read(waiting, { isolation: ISOLATION, sourceNetworkId: 'vpc-production' }, NEVER);
  return { ...finding, waitedMs, looks: of('DescribeNetworkInterfaces').length };
}

test.each(['sealed', 'endpoints-only'] as const)(
  'in a network of kind %s, a clone of another run whose tags lag refuses nobody',
  async (kind) => {
    expect(await prove(kind, 3)).toMatchObject({ holds: true, looks: 3 });
  },
);

test.each(['sealed', 'endpoints-only'] as const)(
  'in a network of kind %s, an interface that stays without a run is refused, after seconds',
  async (kind) => {
    const found = 'interface of others: eni-1';
    expect(await prove(kind, 100)).toEqual({ holds: false, found, waitedMs: 8_000, looks: 5 });
  },
);
