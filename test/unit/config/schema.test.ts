import { describe, expect, test } from 'vitest';
import { defineConfig } from '../../../src/config/index.ts';
import { resolveIsolation, resolveRecipes, resolveVault } from '../../../src/config/resolve-names.ts';
import { ConfigurationError } from '../../../src/errors.ts';

const ISOLATION = { vpcId: 'vpc-1', subnetId: 'subnet-1', verifySubnetId: 'subnet-2', securityGroupId: 'sg-1' };
const VAULT = { url: 's3://bucket/prefix', kmsKeyId: 'alias/vault' };
const DAILY = { select: { tags: { a: 'b' } }, schedule: { cron: ['0 2 * * *'] } };
const SMALLEST = { vaults: { main: VAULT }, isolation: { sealed: ISOLATION } };

describe('a configuration', () => {
  test('needs a vault and an isolation profile; everything else has a default', () => {
    const config = defineConfig(SMALLEST);
    expect(config.limits.shardSegments).toBe(16);
    expect(Object.keys(config.recipes)).toEqual(['postgresql', 'redis']);
    expect(config.temporal.searchAttributes).toBe(true);
  });

  test.each([
    { wrong: { ...SMALLEST, vaults: { main: { ...VAULT, url: 'http://x' } } }, says: /vaults\.main\.url: must be s3/ },
    { wrong: { ...SMALLEST, vaults: {} }, says: /vaults: must define at least one vault/ },
    { wrong: { ...SMALLEST, limits: { shardSegments: 17 } }, says: /limits\.shardSegments: / },
    { wrong: { ...SMALLEST, limits: { runMs: Number.MAX_SAFE_INTEGER } }, says: /limits\.runMs: / },
    { wrong: { ...SMALLEST, limits: { scratchGiB: 2_048 } }, says: /limits\.scratchGiB: / },
    {
      wrong: { ...SMALLEST, defaults: { vault: 'other' } },
      says: /defaults\.vault: "other" is not in vaults \(defined: main\)/,
    },
    {
      wrong: { ...SMALLEST, plans: { nightly: { select: {}, schedule: { cron: ['0 2 * * *'] } } } },
      says: /plans\.nightly\.select: must name instanceIds or tags/,
    },
    {
      wrong: {
        ...SMALLEST,
        plans: { nightly: { ...DAILY, request: { vault: 'gone' } } },
      },
      says: /plans\.nightly\.request\.vault: "gone" is not in vaults/,
    },
    {
      wrong: { ...SMALLEST, plans: { dumps: { ...DAILY, request: { disks: false } } } },
      says: /plans\.dumps\.request\.disks: false .*needs the method "application-agent"/,
    },
    {
      wrong: {
        ...SMALLEST,
        plans: { dumps: { ...DAILY, request: { method: 'application-agent', disks: false, verify: 'launch' } } },
      },
      says: /plans\.dumps\.request\.disks: false .*Ask for "verify": "full"/,
    },
    { wrong: { ...SMALLEST, valuts: {} }, says: /valuts/ },
    { wrong: { ...SMALLEST, vaults: { 'My vault': VAULT } }, says: /vaults\.My vault: (?!Invalid key)/ },
    {
      wrong: { ...SMALLEST, plans: { nightly: { ...DAILY, request: { verify: 'deep' } } } },
      says: /plans\.nightly\.request\.verify: .*"sample".*"launch"/,
    },
    { wrong: { ...SMALLEST, recipes: { mine: { use: 5 } } }, says: /recipes\.mine\.use: .*made by defineRecipe/ },
    {
      wrong: { ...SMALLEST, plans: { nightly: { ...DAILY, request: { vault: 'constructor' } } } },
      says: /plans\.nightly\.request\.vault: "constructor" is not in vaults/,
    },
    { wrong: { ...SMALLEST, sweep: { every: '0s' } }, says: /sweep\.every: must be longer than nothing/ },
    { wrong: { ...SMALLEST, sweep: { every: '1 day' } }, says: /sweep\.every: must be a duration such as/ },
    {
      wrong: { ...SMALLEST, vaults: { main: { ...VAULT, check: { full: '00h' }, collect: { every: '0d' } } } },
      says: /vaults\.main\.collect\.every: must be longer.*\n.*vaults\.main\.check\.full: must be longer/,
    },
    {
      wrong: { ...SMALLEST, plans: { nightly: { ...DAILY, drill: { every: '0h' } } } },
      says: /plans\.nightly\.drill\.every: must be longer/,
    },
    {
      wrong: {
        ...SMALLEST,
        plans: { nightly: { ...DAILY, schedule: { cron: ['0 2 * * *'], timezone: 'Mars/Olympus', jitter: 'some' } } },
      },
      says: /plans\.nightly\.schedule\.timezone: must be a time zone.*\n.*plans\.nightly\.schedule\.jitter: must be/,
    },
    {
      wrong: { ...SMALLEST, isolation: { commands: { ...ISOLATION, kind: 'endpoints-only' } } },
      says: /isolation\.commands\.instanceProfile: is needed/,
    },
    {
      wrong: { ...SMALLEST, isolation: { sealed: { ...ISOLATION, instanceProfile: 'agent' } } },
      says: /isolation\.sealed\.instanceProfile: is not for the kind "sealed"/,
    },
    {
      wrong: {
        ...SMALLEST,
        isolation: { commands: { ...ISOLATION, kind: 'endpoints-only', instanceProfile: 'arn:aws:iam::1:x/y' } },
      },
      says: /must be the name of an instance profile/,
    },
  ])('that is wrong is refused with the path of the field: $says', ({ wrong, says }) => {
    expect(() => defineConfig(wrong as never)).toThrow(ConfigurationError);
    expect(() => defineConfig(wrong as never)).toThrow(says);
  });

  test('checked once more stays as it is, so a module may export either form', () => {
    const config = defineConfig(SMALLEST);
    expect(defineConfig(config)).toEqual(config);
  });
});

describe('a name in a request', () => {
  const two = defineConfig({ ...SMALLEST, vaults: { main: VAULT, spare: VAULT } });

  test('is not needed where there is only one', () => {
    expect(resolveVault(defineConfig(SMALLEST), undefined)).toBe('main');
    expect(resolveIsolation(defineConfig(SMALLEST), undefined)).toMatchObject({ name: 'sealed', kind: 'sealed' });
  });

  test('is asked for where there are two and no default', () => {
    expect(() => resolveVault(two, undefined)).toThrow(/vault: the configuration defines main, spare and no default/);
    expect(resolveVault(two, 'spare')).toBe('spare');
  });

  test('that the configuration does not know is refused with those it knows', () => {
    expect(() => resolveVault(two, 'gone')).toThrow(/"gone" is not in the configuration \(defined: main, spare\)/);
    expect(() => resolveRecipes(two, ['mysql'])).toThrow(/"mysql".*postgresql, redis/);
  });
});
