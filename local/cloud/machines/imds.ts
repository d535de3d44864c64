import { createHmac, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Cloud } from '../cloud.ts';
import { renderProfile } from '../ec2/instance-view.ts';
import { ownValue } from '../own-value.ts';
import type { InstanceRecord } from '../records.ts';
import { metadataPortFile } from '../storage/layout.ts';

/** EC2's longest session: six hours. */
const MAX_TOKEN_SECONDS = 21_600;

interface Answer {
  readonly status: number;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The metadata service of one machine, on a port of its own that its relay connects to. */
export function serveMetadata(cloud: Cloud, instanceId: string): Server {
  const server = createServer((request, response) => {
    const { status, body, headers } = answerFor(cloud, instanceId, request);
    response.writeHead(status, {
      'content-type': 'text/plain',
      'content-length': Buffer.byteLength(body),
      connection: 'close',
      ...headers,
    });
    response.end(body);
  });
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (typeof address === 'object' && address !== null)
      writeFileSync(metadataPortFile(instanceId), `${address.port}\n`);
  });
  server.unref();
  return server;
}

function answerFor(cloud: Cloud, instanceId: string, request: IncomingMessage): Answer {
  const instance = cloud.db.instances.get(instanceId);
  if (instance === undefined) return { status: 404, body: '' };
  const path = request.url ?? '/';
  if (request.method === 'PUT')
    return path === '/latest/api/token' ? newToken(cloud, instanceId, request) : { status: 405, body: '' };
  if (request.method !== 'GET') return { status: 405, body: '' };
  const token = request.headers['x-aws-ec2-metadata-token'];
  const open = token === undefined && instance.httpTokens === 'optional';
  if (!open && !isValidToken(cloud, instanceId, String(token))) return { status: 401, body: '' };
  return readPath(cloud, instance, path.replace(/^\/(\d{4}-\d\d-\d\d|latest)/, ''));
}

/** Tokens are signed, not stored: they survive a restart of the cloud and belong to one machine. */
function newToken(cloud: Cloud, instanceId: string, request: IncomingMessage): Answer {
  if (request.headers['x-forwarded-for'] !== undefined) return { status: 403, body: '' };
  const seconds = Number(request.headers['x-aws-ec2-metadata-token-ttl-seconds']);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_TOKEN_SECONDS) return { status: 400, body: '' };
  const payload = `${cloud.now() + seconds * 1_000}.${randomBytes(8).toString('hex')}`;
  const body = `${payload}.${sign(cloud, instanceId, payload)}`;
  return { status: 200, body, headers: { 'x-aws-ec2-metadata-token-ttl-seconds': String(seconds) } };
}

function isValidToken(cloud: Cloud, instanceId: string, token: string): boolean {
  const [expiresAt = '', nonce = '', signature = ''] = token.split('.');
  return signature === sign(cloud, instanceId, `${expiresAt}.${nonce}`) && Number(expiresAt) > cloud.now();
}

function sign(cloud: Cloud, instanceId: string, payload: string): string {
  return createHmac('sha256', cloud.secret).update(`imds/${instanceId}/${payload}`).digest('base64url');
}

function readPath(cloud: Cloud, instance: InstanceRecord, path: string): Answer {
  if (path === '/user-data') {
    if (instance.userData === undefined) return { status: 404, body: '' };
    return {
      status: 200,
      body: Buffer.from(instance.userData, 'base64'),
      headers: { 'content-type': 'application/octet-stream' },
    };
  }
  if (path === '/dynamic/instance-identity/document') return { status: 200, body: identityDocument(cloud, instance) };
  // cloud-init reads folders by their lists and asks again for seconds where one is missing, several times per boot.
  if (/^\/dynamic\/instance-identity\/?$/.test(path)) return { status: 200, body: 'document' };
  if (/^\/dynamic\/?$/.test(path)) return { status: 200, body: 'instance-identity/' };
  const leaves = metadataLeaves(cloud, instance);
  const name = path.replace(/^\/meta-data\/?/, '');
  const leaf = ownValue(leaves, name);
  if (leaf !== undefined) return { status: 200, body: leaf };
  const folder = name === '' ? '' : `${name.replace(/\/$/, '')}/`;
  const below = Object.keys(leaves).filter((key) => path.startsWith('/meta-data') && key.startsWith(folder));
  if (below.length === 0) return { status: 404, body: '' };
  const names = below.map((key) => key.slice(folder.length).replace(/\/.*/, '/'));
  return { status: 200, body: [...new Set(names)].join('\n') };
}

function metadataLeaves(cloud: Cloud, instance: InstanceRecord): Readonly<Record<string, string>> {
  const { db, settings } = cloud;
  const card = db.interfaces.get(instance.interfaceId);
  const subnet = db.subnets.get(instance.subnetId);
  const hostname = `ip-${instance.privateIp.replaceAll('.', '-')}.ec2.internal`;
  const mac = card?.mac ?? '';
  return {
    'ami-id': instance.imageId,
    'ami-launch-index': '0',
    hostname,
    ...(instance.profile !== undefined && { 'iam/info': profileInfo(instance.profile, instance, cloud) }),
    'instance-id': instance.id,
    'instance-type': instance.type,
    'instance-life-cycle': 'on-demand',
    'local-hostname': hostname,
    'local-ipv4': instance.privateIp,
    mac,
    [`network/interfaces/macs/${mac}/device-number`]: '0',
    [`network/interfaces/macs/${mac}/interface-id`]: card?.id ?? '',
    [`network/interfaces/macs/${mac}/local-ipv4s`]: instance.privateIp,
    [`network/interfaces/macs/${mac}/mac`]: mac,
    [`network/interfaces/macs/${mac}/subnet-id`]: instance.subnetId,
    [`network/interfaces/macs/${mac}/subnet-ipv4-cidr-block`]: subnet?.cidr ?? '',
    [`network/interfaces/macs/${mac}/vpc-id`]: instance.vpcId,
    'placement/availability-zone': instance.zone,
    'placement/region': settings.region,
    'reservation-id': instance.reservationId,
  };
}

/** Credentials of the profile's role are not served: there is no IAM here, and the agent is known by its door. */
function profileInfo(name: string, { launchedAt }: InstanceRecord, cloud: Cloud): string {
  const { Arn, Id } = renderProfile(name, cloud);
  const LastUpdated = new Date(launchedAt).toISOString().replace(/\.\d+Z$/, 'Z');
  return JSON.stringify({ Code: 'Success', LastUpdated, InstanceProfileArn: Arn, InstanceProfileId: Id });
}

function identityDocument({ settings }: Cloud, instance: InstanceRecord): string {
  const document = {
    accountId: settings.accountId,
    architecture: instance.architecture,
    availabilityZone: instance.zone,
    billingProducts: null,
    devpayProductCodes: null,
    marketplaceProductCodes: null,
    imageId: instance.imageId,
    instanceId: instance.id,
    instanceType: instance.type,
    kernelId: null,
    pendingTime: new Date(instance.launchedAt).toISOString().replace(/\.\d+Z$/, 'Z'),
    privateIp: instance.privateIp,
    ramdiskId: null,
    region: settings.region,
    version: '2017-09-30',
  };
  return JSON.stringify(document, null, 2);
}
