import { expect, test } from 'vitest';
import { ConfigurationError } from '../../../../src/errors.ts';
import { createS3Client } from '../../../../src/vault/s3/s3-store.ts';

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
