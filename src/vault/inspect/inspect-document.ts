import { z } from 'zod';
import { openDocument, readDocumentBytes, readSmall } from '../documents.ts';
import { type DocumentType, readDocumentHead } from '../json-document.ts';
import { KEYS_PREFIX } from '../object-keys.ts';
import type { Vault } from '../vault.ts';
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
  const { verdict, reason } = await proveDocument(vault, { key, type: head.found.type, bytes });
  return { kind, verdict, ...(reason !== undefined && { reason }), readable };
}

function proveDocument(
  vault: Vault,
  { key, type, bytes }: { readonly key: string; readonly type: string; readonly bytes: Uint8Array },
): ReturnType<typeof judge> {
  // Opening the vault proved every epoch it knows: the first signs itself, each later one is signed by the one before.
  const epoch = /^(\d+)(?:-\d+)?\.json$/.exec(key.slice(KEYS_PREFIX.length))?.[1];
  if (key.startsWith(KEYS_PREFIX) && epoch !== undefined && !key.includes('-') && vault.keys.knows(Number(epoch)))
    return judge(() => undefined);
  // A type that this program does not know is proven by its mac or not at all.
  return judge(() => openDocument({ type: type as DocumentType, schema: z.unknown() }, bytes, { vault, key }));
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
