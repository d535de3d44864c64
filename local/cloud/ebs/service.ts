import { setTimeout as pause } from 'node:timers/promises';
import type { Cloud } from '../cloud.ts';
import { CloudError } from '../cloud-error.ts';
import { mentionedIds } from '../mentioned-ids.ts';
import { BLOCK_BYTES } from '../storage/bitmap.ts';
import { passGate } from '../wire/gate.ts';
import { readJson } from '../wire/read-json.ts';
import { oneHeader, type WireAnswer, type WireRequest, type WireService } from '../wire/request.ts';
import { jsonErrorType } from '../wire/signature-words.ts';
import { listChangedBlocks, listSnapshotBlocks } from './listing.ts';
import { readableSnapshot } from './snapshot-access.ts';
import { checkBlockToken } from './tokens.ts';
import { completeSnapshot, putSnapshotBlock, startSnapshot } from './upload.ts';

const WORDS = {
  denied: { code: 'AccessDeniedException', httpStatus: 403 },
  throttled: { code: 'RequestThrottledException', httpStatus: 400 },
};
const JSON_TYPE = { 'content-type': 'application/json' };

interface Route {
  readonly action: string;
  readonly method: string;
  readonly path: RegExp;
  act(cloud: Cloud, request: WireRequest, match: RegExpExecArray): Promise<WireAnswer> | WireAnswer;
}

const ROUTES: readonly Route[] = [
  { action: 'GetSnapshotBlock', method: 'GET', path: /^\/snapshots\/([^/]+)\/blocks\/(\d+)$/, act: getBlock },
  { action: 'PutSnapshotBlock', method: 'PUT', path: /^\/snapshots\/([^/]+)\/blocks\/(\d+)$/, act: putBlock },
  {
    action: 'ListSnapshotBlocks',
    method: 'GET',
    path: /^\/snapshots\/([^/]+)\/blocks$/,
    act: (cloud, { query }, [, id = '']) => json(200, listSnapshotBlocks(cloud, id, listRequest(query))),
  },
  {
    action: 'ListChangedBlocks',
    method: 'GET',
    path: /^\/snapshots\/([^/]+)\/changedblocks$/,
    act: (cloud, { query }, [, id = '']) =>
      json(200, listChangedBlocks(cloud, query.get('firstSnapshotId') ?? undefined, id, listRequest(query))),
  },
  { action: 'StartSnapshot', method: 'POST', path: /^\/snapshots$/, act: start },
  { action: 'CompleteSnapshot', method: 'POST', path: /^\/snapshots\/completion\/([^/]+)$/, act: complete },
];

/** The EBS direct APIs: REST-JSON, blocks as raw bytes. Transfers are counted per block, everything else is logged. */
export const ebsService: WireService = {
  async answer(cloud, request) {
    const { method, path, accessKeyId, query } = request;
    const route = ROUTES.find((candidate) => candidate.method === method && candidate.path.test(path));
    const match = route?.path.exec(path);
    if (route === undefined || match === null || match === undefined) {
      throw new CloudError('ValidationException', `No such operation: ${method} ${path}`, { httpStatus: 404 });
    }
    const input = [
      match[1],
      query.get('firstSnapshotId'),
      route.action === 'StartSnapshot' ? readJson(request.body, 'ValidationException') : undefined,
    ];
    const log = { accessKeyId, service: 'ebs', action: route.action, dryRun: false };
    const { blockLatencyMs } = cloud.settings.ebs;
    try {
      passGate(cloud, { service: 'ebs', action: route.action, accessKeyId, input }, WORDS);
      if (isTransfer(route) && blockLatencyMs > 0) await pause(blockLatencyMs);
      const answer = await route.act(cloud, request, match);
      const made =
        typeof answer.body === 'string' && route.action === 'StartSnapshot' ? JSON.parse(answer.body) : undefined;
      if (!isTransfer(route)) cloud.calls.record(log, mentionedIds([input, made]));
      return answer;
    } catch (error) {
      cloud.calls.record(
        { ...log, error: error instanceof CloudError ? error.code : 'InternalServerException' },
        mentionedIds(input),
      );
      throw error;
    }
  },

  refuse({ code, message, httpStatus, reason }) {
    const type = code === 'InternalError' ? 'InternalServerException' : jsonErrorType(code);
    const body = JSON.stringify({ Message: message, ...(reason !== undefined && { Reason: reason }) });
    return { status: httpStatus, headers: { ...JSON_TYPE, 'x-amzn-errortype': type }, body };
  },
};

const isTransfer = ({ action }: Route) => action.endsWith('SnapshotBlock');

/** Blocks that were sent: a fresh 512 KiB per request costs more in collection than reading it does. */
const spare: Buffer[] = [];
/** More than the connections that a client opens to one host at once would only hold memory: 64 MiB. */
const MAX_SPARE = 128;

async function getBlock(
  cloud: Cloud,
  { query }: WireRequest,
  [, id = '', index = '']: RegExpExecArray,
): Promise<WireAnswer> {
  const snapshot = readableSnapshot(cloud, id);
  const block = Number(index);
  checkBlockToken(cloud, snapshot, block, query.get('blockToken') ?? '');
  const buffer = spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
  const { bytes, digest } = await cloud.snapshots.blocks.readWithDigest(snapshot, block, buffer);
  cloud.calls.countRead(id, block);
  const headers = {
    'content-type': 'application/octet-stream',
    'x-amz-Data-Length': String(BLOCK_BYTES),
    'x-amz-Checksum': digest,
    'x-amz-Checksum-Algorithm': 'SHA256',
  };
  const release = () => {
    if (spare.length < MAX_SPARE) spare.push(buffer);
  };
  return { status: 200, headers, body: bytes, release };
}

async function putBlock(
  cloud: Cloud,
  { headers, body, bodySha256 }: WireRequest,
  [, id = '', index = '']: RegExpExecArray,
): Promise<WireAnswer> {
  const checksum = await putSnapshotBlock(cloud, id, {
    block: Number(index),
    body,
    bodySha256: bodySha256(),
    dataLength: oneHeader(headers, 'x-amz-data-length'),
    checksum: oneHeader(headers, 'x-amz-checksum'),
    algorithm: oneHeader(headers, 'x-amz-checksum-algorithm'),
  });
  cloud.calls.countWrite(id, Number(index));
  return {
    status: 201,
    headers: { ...JSON_TYPE, 'x-amz-Checksum': checksum, 'x-amz-Checksum-Algorithm': 'SHA256' },
    body: '{}',
  };
}

function start(cloud: Cloud, { body }: WireRequest): WireAnswer {
  const { status, answer } = startSnapshot(cloud, readJson(body, 'ValidationException'));
  return json(status, answer);
}

function complete(cloud: Cloud, { headers }: WireRequest, [, id = '']: RegExpExecArray): WireAnswer {
  const answer = completeSnapshot(cloud, id, {
    changedBlocksCount: oneHeader(headers, 'x-amz-changedblockscount'),
    checksum: oneHeader(headers, 'x-amz-checksum'),
    algorithm: oneHeader(headers, 'x-amz-checksum-algorithm'),
    aggregation: oneHeader(headers, 'x-amz-checksum-aggregation-method'),
  });
  return json(202, answer);
}

function listRequest(query: URLSearchParams) {
  return {
    pageToken: query.get('pageToken') ?? undefined,
    maxResults: readInteger(query.get('maxResults'), 'maxResults'),
    startingBlockIndex: readInteger(query.get('startingBlockIndex'), 'startingBlockIndex'),
  };
}

function readInteger(text: string | null, name: string): number | undefined {
  if (text === null) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new CloudError('ValidationException', `${name} is not a number: ${text}`, {
    reason: 'INVALID_PARAMETER_VALUE',
  });
}

function json(status: number, answer: object): WireAnswer {
  return { status, headers: JSON_TYPE, body: JSON.stringify(answer) };
}
