import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { ConfigurationError } from '../../../../src/errors.ts';
import { createS3Client, createS3Store } from '../../../../src/vault/s3/s3-store.ts';
import { hurryTimeouts, type OddServer, startSilentServer, startSlowServer } from '../../../support/odd-server.ts';
import { NEVER, temporaryFolder } from '../../../support/vault-fixture.ts';

test.each(['garbage', 'localhost:9000', 'ftp://s3.example'])(
  "an endpoint '%s' is refused at once, by the variable's name",
  (endpoint) => {
    const create = (name: string) => () => createS3Client({ [name]: endpoint });
    expect(create('AWS_ENDPOINT_URL_S3')).toThrow(ConfigurationError);
    expect(create('AWS_ENDPOINT_URL_S3')).toThrow(`AWS_ENDPOINT_URL_S3 is '${endpoint}'`);
    expect(create('AWS_ENDPOINT_URL')).toThrow(`AWS_ENDPOINT_URL is '${endpoint}'`);
  },
);

test('an endpoint that is empty is none, as for AWS’s own tools', () => {
  createS3Client({ AWS_ENDPOINT_URL_S3: '', AWS_ENDPOINT_URL: 'http://127.0.0.1:9' }).destroy();
});

test.each([
  { region: undefined, is: 'no region' },
  { region: '', is: 'an empty region' },
  { region: 'eu central 1', is: 'a region that is none' },
])('with $is the error says what to set', async ({ region }) => {
  const nothing = `${await temporaryFolder()}/none`;
  for (const name of ['AWS_DEFAULT_REGION', 'AWS_PROFILE']) vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_REGION', region);
  for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(name, nothing);
  try {
    const store = createS3Store(createS3Client(process.env), { bucket: 'vaults', prefix: '' });
    const get = store.get('vault.json', NEVER);
    await expect(get).rejects.toMatchObject({ code: 'InvalidConfiguration' });
    await expect(get).rejects.toThrow(/no region.*AWS_REGION/);
  } finally {
    vi.unstubAllEnvs();
  }
});

describe('over time', () => {
  beforeEach(() => {
    vi.stubEnv('AWS_REGION', 'local-1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  });

  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  });

  const storeOf = ({ endpoint, close }: OddServer) => {
    onTestFinished(close);
    vi.stubEnv('AWS_ENDPOINT_URL_S3', endpoint);
    return createS3Store(createS3Client(process.env), { bucket: 'vaults', prefix: '' });
  };

  test('an object or a listing of which nothing more comes is given up, to be asked for again', async () => {
    hurryTimeouts(100);
    const store = storeOf(await startSilentServer());
    const listing = store.list('points/', NEVER)[Symbol.asyncIterator]();
    const ends = await Promise.allSettled([store.get('vault.json', NEVER), listing.next()]);
    const given = { status: 'rejected', reason: { code: 'VaultUnreachable' } };
    expect(ends).toMatchObject([given, given]);
  });

  test('an upload that takes longer than that is not given up while it goes on', async () => {
    // What the system's buffers hold moves unseen, here 8 MiB of it for 0.7 of the 3 seconds.
    hurryTimeouts(20);
    const store = storeOf(await startSlowServer());
    const began = performance.now();
    await store.create('a.json', new Uint8Array(64 << 20), NEVER);
    expect(performance.now() - began).toBeGreaterThan(3_000);
  }, 30_000);
});
