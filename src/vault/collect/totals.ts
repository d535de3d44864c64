import type { Total } from './gc-documents.ts';

/** Objects and bytes by reason. */
export class Totals {
  readonly #totals = new Map<string, Total>();

  add(why: string, { bytes }: { readonly bytes: number }): void {
    const before = this.#totals.get(why) ?? { objects: 0, bytes: 0 };
    this.#totals.set(why, { objects: before.objects + 1, bytes: before.bytes + bytes });
  }

  byReason(): Record<string, Total> {
    return Object.fromEntries(this.#totals);
  }
}

export function sumOf(totals: Readonly<Record<string, Total>>): Total {
  const sum = { objects: 0, bytes: 0 };
  for (const { objects, bytes } of Object.values(totals)) {
    sum.objects += objects;
    sum.bytes += bytes;
  }
  return sum;
}
