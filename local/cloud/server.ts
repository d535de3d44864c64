import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Cloud } from './cloud.ts';
import { CloudError } from './cloud-error.ts';
import { ebsService } from './ebs/service.ts';
import { ec2Service } from './ec2/service.ts';
import { kmsService } from './kms/service.ts';
import { ownValue } from './own-value.ts';
import { ssmService } from './ssm/service.ts';
import { stsService } from './sts/service.ts';
import type { WireAnswer, WireService } from './wire/request.ts';
import { readCredential, verifySignature } from './wire/sigv4.ts';
import { decodeEscapes, splitTarget } from './wire/target.ts';

const SERVICES: Readonly<Record<string, WireService>> = {
  ec2: ec2Service,
  ebs: ebsService,
  kms: kmsService,
  ssm: ssmService,
  sts: stsService,
};
/** A block has 512 KiB and RunInstances less than 64 KiB: twice a block is nobody's honest request. */
const MAX_BODY_BYTES = 1_048_576;

/** One endpoint for all services: whom a request is for stands in its signature. */
export function createApiServer(cloud: Cloud): Server {
  return createServer((request, response) => {
    void serve(cloud, request, response).catch((error: unknown) => {
      process.stderr.write(`local cloud: ${request.method} ${request.url}: ${String(error)}\n`);
      response.destroy();
    });
  });
}

async function serve(cloud: Cloud, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const requestId = randomUUID();
  const body = await readBody(request);
  const { status, headers, body: content, release } = await answer(cloud, request, body, requestId);
  if (release !== undefined) response.once('close', release);
  response.writeHead(status, {
    ...headers,
    'content-length': Buffer.byteLength(content),
    'x-amzn-requestid': requestId,
  });
  response.end(content);
}

async function answer(
  cloud: Cloud,
  request: IncomingMessage,
  body: Buffer | undefined,
  requestId: string,
): Promise<WireAnswer> {
  let service: WireService = ec2Service;
  try {
    const credential = readCredential(request.headers);
    const named = ownValue(SERVICES, credential.service);
    if (named === undefined) {
      throw new CloudError('SignatureDoesNotMatch', `The local cloud has no service '${credential.service}'`, {
        httpStatus: 403,
      });
    }
    service = named;
    if (body === undefined) {
      throw new CloudError('RequestEntityTooLarge', `A request has at most ${MAX_BODY_BYTES} bytes`, {
        httpStatus: 413,
      });
    }
    const key = cloud.settings.keys.find(({ accessKeyId }) => accessKeyId === credential.accessKeyId);
    if (key === undefined) throw unknownKey(credential.service);
    let digest: Buffer | undefined;
    const bodySha256 = () => (digest ??= createHash('sha256').update(body).digest());
    const { method = 'GET', url = '/', headers } = request;
    verifySignature({ method, target: url, headers, body }, credential, {
      key,
      region: cloud.settings.region,
      now: new Date(cloud.now()),
      skewMs: cloud.settings.clockSkewMs,
      bodyDigest: () => bodySha256().toString('hex'),
    });
    const [path, query] = splitTarget(url);
    const { accessKeyId } = key;
    return await service.answer(cloud, {
      method,
      path: decodeEscapes(path),
      query: new URLSearchParams(query),
      headers,
      body,
      bodySha256,
      accessKeyId,
      requestId,
    });
  } catch (error) {
    return service.refuse(asCloudError(error), requestId);
  }
}

/** Each service has its own words for a key that it does not know. */
function unknownKey(service: string): CloudError {
  if (service === 'ec2') {
    return new CloudError('AuthFailure', 'AWS was not able to validate the provided access credentials', {
      httpStatus: 401,
    });
  }
  const code = service === 'sts' ? 'InvalidClientTokenId' : 'UnrecognizedClientException';
  return new CloudError(code, 'The security token included in the request is invalid.', { httpStatus: 403 });
}

function asCloudError(error: unknown): CloudError {
  if (error instanceof CloudError) return error;
  process.stderr.write(`local cloud: ${error instanceof Error ? error.stack : String(error)}\n`);
  return new CloudError('InternalError', 'An internal error has occurred in the local cloud; its log says more.', {
    httpStatus: 500,
  });
}

/** Undefined if it is too large. It is read to its end all the same: who still sends would not see the answer. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const part = chunk as Buffer;
    bytes += part.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(part);
  }
  if (bytes > MAX_BODY_BYTES) return undefined;
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}
