import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { vi } from 'vitest';
import { type AccessKey, type S3Server, startS3 } from '../../local/servers/s3.ts';
import { ensureUser } from '../../local/servers/s3-users.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { createFileKeyService } from '../../src/vault/file/file-keys.ts';
import { openStore, type RootPurpose, systemClock, systemRandomBytes, type Vault } from '../../src/vault/index.ts';
import type { LockPolicy } from '../../src/vault/lock-policy.ts';
import { MOVER, testVault } from './vault-fixture.ts';

/** A real S3 server with a bucket that locks, a key file, and a configuration of vaults in it. No machines, no Temporal. */
export interface VaultLab {
  readonly server: S3Server;
  readonly keyFile: string;
  /** A file with a line for every request that the server has answered. */
  readonly accessLog: string;
  /** What a worker or a command needs of the environment: the writer's credentials, and others as profiles. */
  readonly env: Readonly<Record<string, string>>;
  readonly url: (name: string) => string;
  /** The configuration's vault, made if there is none; closed after the test. */
  open(name: string, more?: { readonly roles?: readonly RootPurpose[]; readonly lock?: LockPolicy }): Promise<Vault>;
  /** Puts other bytes where an object stands, as a disk or a thief would; resolves with what puts it right again. */
  damage(name: string, key: string): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

const key = (name: string): AccessKey => ({ accessKeyId: name, secretAccessKey: `a-secret-of-the-${name}` });
/** Adds and reads: whatever a worker holds in daily use. */
const WRITER = key('writer');
/** May remove objects and destroy versions. */
const KEEPER = key('keeper');
/** Known to the server, and let in nowhere. */
const STRANGER = key('stranger');

type VaultInput = Partial<ConfigInput['vaults'][string]>;

export async function startVaultLab(
  vaults: Readonly<Record<string, VaultInput>>,
  more: Partial<ConfigInput> = {},
): Promise<VaultLab> {
  const folder = await mkdtemp(join(tmpdir(), 'understudy-vaults-'));
  const users = [
    { ...WRITER, may: 'write' },
    { ...KEEPER, may: 'keep' },
  ] as const;
  const accessLog = join(folder, 'requests.log');
  const server = await startS3({ stateDir: folder, bucket: 'vaults', region: 'local-1', users, accessLog });
  await ensureUser(server, { ...STRANGER, may: 'write' });
  const keyFile = join(folder, 'key');
  await writeFile(keyFile, `${'42'.repeat(32)}\n`);
  const profiles = join(folder, 'credentials');
  await writeFile(profiles, [WRITER, KEEPER, STRANGER].map(profileText).join('\n'));
  const url = (name: string) => `s3://vaults/${name}`;
  const config = join(folder, 'temporal.config.mjs');
  await writeFile(config, configText(vaults, { url, kmsKeyId: pathToFileURL(keyFile).href, more }));
  const env = {
    UNDERSTUDY_CONFIG: config,
    UNDERSTUDY_DEPLOYMENT_ID: '6f1b2c9e-1111-4222-8333-444455556666',
    AWS_ENDPOINT_URL_S3: server.endpoint,
    AWS_REGION: server.region,
    AWS_SHARED_CREDENTIALS_FILE: profiles,
    AWS_CONFIG_FILE: join(folder, 'none'),
    AWS_ACCESS_KEY_ID: WRITER.accessKeyId,
    AWS_SECRET_ACCESS_KEY: WRITER.secretAccessKey,
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  return {
    server,
    keyFile,
    accessLog,
    env,
    url,
    open: (name, { roles = MOVER, lock } = {}) =>
      testVault({
        store: openStore(url(name), { clock: systemClock }),
        keys: createFileKeyService(keyFile, systemRandomBytes),
        roles,
        seed: `${name} ${roles.join(' ')}`,
        clock: systemClock,
        ...(lock && { lock }),
      }),
    async damage(name, key) {
      const { endpoint, region, root } = server;
      const owner = new S3Client({ endpoint, region, credentials: { ...root }, forcePathStyle: true });
      const object = { Bucket: 'vaults', Key: `${name}/${key}` };
      const found = await owner.send(new GetObjectCommand(object));
      const bytes = (await found.Body?.transformToByteArray()) ?? new Uint8Array();
      const wrong = Uint8Array.from(bytes);
      wrong[100] = (wrong[100] ?? 0) ^ 1;
      const put = (Body: Uint8Array) =>
        owner.send(new PutObjectCommand({ ...object, Body, ChecksumAlgorithm: 'SHA256' }));
      await put(wrong);
      return async () => {
        await put(bytes);
        owner.destroy();
      };
    },
    async stop() {
      vi.unstubAllEnvs();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function profileText({ accessKeyId, secretAccessKey }: AccessKey): string {
  return `[${accessKeyId}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
}

function configText(
  vaults: Readonly<Record<string, VaultInput>>,
  {
    url,
    kmsKeyId,
    more,
  }: { readonly url: (name: string) => string; readonly kmsKeyId: string; readonly more: Partial<ConfigInput> },
): string {
  const isolation = { vpcId: 'vpc-1', subnetId: 'subnet-1', verifySubnetId: 'subnet-2', securityGroupId: 'sg-1' };
  const filled = Object.entries(vaults).map(([name, vault]) => [name, { url: url(name), kmsKeyId, ...vault }]);
  const input: ConfigInput = { vaults: Object.fromEntries(filled), isolation: { sealed: isolation }, ...more };
  return `export default ${JSON.stringify(input)};\n`;
}
