import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError } from '../cloud-error.ts';
import type { CommandRecord } from '../records.ts';
import { jsonOperation } from '../wire/json-service.ts';
import { renderCommand } from './command-operations.ts';
import { PENDING } from './invocation.ts';
import { takesCommands } from './nodes.ts';

const DOCUMENT = 'AWS-RunShellScript';
/** Of version 1, as AWS's DescribeDocument has it; the newest is that one too. */
const DOCUMENT_SHA256 = '99749de5e62f71e5ebe9a55c2321e2c394796afe7208cff048696541e6f6771e';
/** Systems Manager's limit for a document with its parameters. */
const MAX_DOCUMENT_BYTES = 65_536;
/** Of the document itself: an hour; and its longest: two days. */
const EXECUTION_SECONDS = 3_600;
const MAX_EXECUTION_SECONDS = 172_800;

const INPUT = z.strictObject({
  InstanceIds: z.array(z.string()).min(1).max(50),
  DocumentName: z.string(),
  DocumentVersion: z.string().default('$DEFAULT'),
  DocumentHash: z.string().optional(),
  DocumentHashType: z.enum(['Sha256', 'Sha1']).optional(),
  TimeoutSeconds: z.int().min(30).max(2_592_000).default(3_600),
  Comment: z.string().max(100).default(''),
  Parameters: z.record(z.string(), z.array(z.string())).default({}),
});
type SendInput = z.output<typeof INPUT>;

/** Takes no token: sent twice, it runs twice. */
export const SendCommand = jsonOperation(INPUT, (cloud, input) => {
  checkDocument(input);
  const executionSeconds = checkParameters(input);
  for (const instanceId of input.InstanceIds) {
    if (!takesCommands(cloud, instanceId)) {
      throw new CloudError('InvalidInstanceId', 'Instances not in a valid state for account');
    }
  }
  return { Command: renderCommand(cloud, cloud.db.commands.put(newCommand(cloud, input, executionSeconds))) };
});

function newCommand(cloud: Cloud, input: SendInput, executionSeconds: number): CommandRecord {
  return {
    id: randomUUID(),
    createdAt: cloud.now(),
    comment: input.Comment,
    documentVersion: input.DocumentVersion,
    parameters: input.Parameters,
    timeoutSeconds: input.TimeoutSeconds,
    executionSeconds,
    invocations: input.InstanceIds.map((instanceId) => ({ instanceId, ...PENDING })),
  };
}

function checkDocument({ DocumentName, DocumentVersion, DocumentHash, DocumentHashType }: SendInput): void {
  if (DocumentName !== DOCUMENT) throw new CloudError('InvalidDocument', `Document ${DocumentName} does not exist.`);
  if (!['1', '$DEFAULT', '$LATEST'].includes(DocumentVersion)) {
    throw new CloudError('InvalidDocumentVersion', `${DOCUMENT} has no version ${DocumentVersion}`);
  }
  if (DocumentHash === undefined) return;
  if (DocumentHashType !== 'Sha256') throw new CloudError('ValidationException', 'DocumentHashType must be Sha256');
  // AWS does not document under which name it refuses; no product may depend on it.
  if (DocumentHash !== DOCUMENT_SHA256) throw new CloudError('InvalidDocument', `The hash is not that of ${DOCUMENT}`);
}

function checkParameters({ Parameters }: SendInput): number {
  const { commands, workingDirectory, executionTimeout, ...others } = Parameters;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined || commands === undefined || commands.length === 0) {
    throw new CloudError('InvalidParameters', `${DOCUMENT} takes commands, workingDirectory and executionTimeout`);
  }
  // Systems Manager puts parameters of its own store there; this cloud has none, and a script that holds one by mistake
  // would run as something else.
  if ([...commands, ...(workingDirectory ?? [])].some((text) => /\{\{.*\}\}/s.test(text))) {
    throw new CloudError('InvalidParameters', 'Parameters with {{…}} are not implemented by the local cloud');
  }
  if (Buffer.byteLength(JSON.stringify(Parameters)) > MAX_DOCUMENT_BYTES) {
    throw new CloudError('MaxDocumentSizeExceeded', `A document has at most ${MAX_DOCUMENT_BYTES} bytes`);
  }
  const seconds = Number(executionTimeout?.[0] ?? EXECUTION_SECONDS);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_EXECUTION_SECONDS) {
    throw new CloudError('InvalidParameters', `executionTimeout is 1 to ${MAX_EXECUTION_SECONDS} seconds`);
  }
  return seconds;
}
