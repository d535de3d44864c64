import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { readTemporalSettings } from '../../../src/client/connect.ts';

afterEach(() => vi.unstubAllEnvs());

test.each([
  { mistake: 'a profile that no file has', env: { TEMPORAL_PROFILE: 'nowhere' }, found: /Profile 'nowhere' not found/ },
  { mistake: 'an address with a scheme', env: { TEMPORAL_ADDRESS: 'http://127.0.0.1:7233' }, found: /write host:port/ },
  {
    mistake: 'a certificate that is not there',
    env: { TEMPORAL_TLS_CLIENT_CERT_PATH: '/nowhere' },
    found: /\/nowhere/,
  },
])('$mistake is a mistake of the configuration, and named', ({ env, found }) => {
  vi.stubEnv('TEMPORAL_CONFIG_FILE', join(import.meta.dirname, 'no-such.toml'));
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  expect(() => readTemporalSettings()).toThrow(
    expect.objectContaining({ code: 'InvalidConfiguration', message: expect.stringMatching(found) }),
  );
});
