import { FormatError } from '../errors.ts';
import { CATALOG, catalogEntryOf, catalogKeyOf } from './catalog.ts';
import { readDocument, sealDocument } from './documents.ts';
import type { Manifest } from './manifest.ts';
import { listPoints } from './points.ts';
import { createdFirst, ifPresent } from './presence.ts';
import type { Vault } from './vault.ts';

export type CatalogLine =
  | { readonly state: 'right' }
  | { readonly state: 'missing' }
  | { readonly state: 'wrong'; readonly found: string };

/** Compares the catalog line of a point with what its manifest says. */
export async function checkCatalogLine(vault: Vault, manifest: Manifest, signal: AbortSignal): Promise<CatalogLine> {
  const key = catalogKeyOf(manifest);
  try {
    const entry = await ifPresent(readDocument(CATALOG, { vault, key }, signal));
    if (!entry) return { state: 'missing' };
    const wanted: Readonly<Record<string, unknown>> = catalogEntryOf(manifest);
    const wrong = Object.entries(entry).find(([name, value]) => wanted[name] !== value);
    if (!wrong) return { state: 'right' };
    const [name, value] = wrong;
    return { state: 'wrong', found: `${key} says ${name} is ${String(value)}, the manifest ${String(wanted[name])}` };
  } catch (error) {
    if (error instanceof FormatError) return { state: 'wrong', found: error.message };
    throw error;
  }
}

export interface RebuiltCatalog {
  readonly points: number;
  /** Keys of the lines that were missing and are there now. */
  readonly written: readonly string[];
  /** Lines that say something else than their manifest: objects are never changed, so a person must remove them. */
  readonly wrong: readonly { readonly key: string; readonly found: string }[];
  /** Lines of no point of this vault. */
  readonly stray: readonly string[];
}

/**
 * Makes the catalog anew from points/ and tombstones/ alone. The line of an expired point may stay, but is not written
 * again: its collection may be under way. Repeatable. Needs the meta root.
 */
export async function rebuildCatalog({
  vault,
  signal,
}: {
  readonly vault: Vault;
  readonly signal: AbortSignal;
}): Promise<RebuiltCatalog> {
  const lines = new Set<string>();
  const written: string[] = [];
  const wrong: { key: string; found: string }[] = [];
  for await (const point of listPoints({ vault, signal })) {
    if (point.state !== 'committed') continue;
    const key = catalogKeyOf(point.manifest);
    lines.add(key);
    const line = await checkCatalogLine(vault, point.manifest, signal);
    if (line.state === 'wrong') wrong.push({ key, found: line.found });
    if (line.state !== 'missing' || point.expired !== null) continue;
    const bytes = sealDocument(CATALOG, catalogEntryOf(point.manifest), { vault, key });
    if (await createdFirst(vault.store.create(key, bytes, signal))) written.push(key);
  }
  const stray: string[] = [];
  for await (const { key } of vault.store.list('catalog/', signal)) if (!lines.has(key)) stray.push(key);
  return { points: lines.size, written, wrong, stray };
}
