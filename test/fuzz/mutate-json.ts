import type { Random } from './random.ts';

type Json = unknown;

const VALUES: readonly Json[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  '',
  '../../etc/passwd',
  '\u0000\u202e',
  'a'.repeat(5000),
  [],
  {},
  [null],
  { __proto__: null, toString: 1 },
  '20261123T023107Z-9f2c0001',
  '2026-11-23T02:31:07.412Z',
  '0'.repeat(64),
];
// Names that objects of JavaScript have of themselves.
const NAMES = ['__proto__', 'constructor', 'toString', 'later', ''];

/** The document with one to three members replaced, removed, added or doubled. */
export function mutateJson(document: Json, random: Random): Json {
  let changed = structuredClone(document);
  for (let change = 1 + random.below(3); change > 0; change--) changed = mutateAt(changed, random);
  return changed;
}

function mutateAt(value: Json, random: Random): Json {
  if (typeof value !== 'object' || value === null || random.chance(8)) return random.pick(VALUES);
  if (Array.isArray(value)) return mutateArray(value, random);
  const entries = Object.entries(value);
  if (random.chance(6)) return fromEntries([...entries, [random.pick(NAMES), random.pick(VALUES)]]);
  const at = random.below(entries.length);
  if (random.chance(6)) return fromEntries(entries.filter((_, i) => i !== at));
  return fromEntries(entries.map(([name, member], i) => [name, i === at ? mutateAt(member, random) : member]));
}

function mutateArray(items: readonly Json[], random: Random): Json[] {
  const at = random.below(items.length);
  if (items.length === 0 || random.chance(4)) return [...items, random.pick(VALUES)];
  if (random.chance(4)) return [...items, ...items];
  return items.map((item, i) => (i === at ? mutateAt(item, random) : item));
}

/** As JSON.parse does it: `__proto__` becomes a member like any other. */
function fromEntries(entries: readonly (readonly [string, Json])[]): Record<string, Json> {
  const made: Record<string, Json> = {};
  for (const [name, value] of entries) {
    Object.defineProperty(made, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return made;
}
