import { expect, test, vi } from 'vitest';
import { ConfigurationError } from '../../../../src/errors.ts';
import { createS3Client, createS3Store } from '../../../../src/vault/s3/s3-store.ts';
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

test('without a region the error says what to set', async () => {
  const nothing = `${await temporaryFolder()}/none`;
  for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE']) vi.stubEnv(name, undefined);
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
