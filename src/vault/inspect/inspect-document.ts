import { z } from 'zod';
import { FormatError } from '../../errors.ts';
import { openDocument, readDocumentBytes, readSmall } from '../documents.ts';
import { type DocumentType, readDocumentHead } from '../json-document.ts';
import { KEYS_PREFIX } from '../object-keys.ts';
import { type Inspection, type InspectRequest, judge, NO_KEY } from './inspect-object.ts';

/** JSON documents are readable by everybody; the last line proves them. */
export async function inspectDocument({ store, key, vault, signal }: InspectRequest): Promise<Inspection> {
  const read = await judge(() => (vault ? readDocumentBytes(vault, key, signal) : readSmall(store, key, signal)));
  if (!read.found) return { kind: 'document', ...read, readable: {} };
  const bytes = read.found;
  const head = await judge(() => readDocumentHead(bytes));
  const readable = parse(bytes);
  const kind = head.found ? `document (${head.found.type})` : 'document';
  if (!head.found) return { kind, verdict: head.verdict, ...(head.reason && { reason: head.reason }), readable };
  if (!vault) return { kind, ...NO_KEY, readable };
  const { verdict, reason } = await judge(() => {
    if (key.startsWith(KEYS_PREFIX)) mustBeSignedInTurn(key, head.found?.epoch ?? 0);
    // A type that this program does not know is proven by its mac or not at all.
    const type = head.found?.type as DocumentType;
    return openDocument({ type, schema: z.unknown() }, bytes, { vault, key });
  });
  return { kind, verdict, ...(reason !== undefined && { reason }), readable };
}

/** Keys are signed by the epoch before, the first by itself, those of further recipients by their own or a later one. */
function mustBeSignedInTurn(key: string, signer: number): void {
  const [, epoch = 0, further] = /^keys\/(\d+)(-\d+)?\.json$/.exec(key) ?? [];
  const inTurn = further ? signer >= Number(epoch) : signer === Math.max(Number(epoch) - 1, 1);
  if (!inTurn) throw new FormatError(`${key} is signed by epoch ${signer}`, { context: { object: key } });
}

/** The document as it stands, without its proof; text that is no JSON is shown as text. */
function parse(bytes: Uint8Array): Inspection['readable'] {
  const text = new TextDecoder().decode(bytes);
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch {
    return { text };
  }
}
