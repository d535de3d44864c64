/** One thing that a dump can make again, as `pg_restore --list --verbose` tells it. */
export interface DumpEntry {
  readonly id: number;
  /** Such as `TABLE DATA` or `FK CONSTRAINT`. */
  readonly kind: string;
  /** Schema, name and owner. Each may hold spaces, so they are for people. */
  readonly name: string;
  readonly needs: readonly number[];
}

/** What belongs to a table and says so by needing it; nothing else that needs one (a view, a function) is part of it. */
const PARTS = [
  ...[
    'TABLE ATTACH',
    'TABLE DATA',
    'SEQUENCE OWNED BY',
    'SEQUENCE SET',
    'SEQUENCE',
    'DEFAULT',
    'COMMENT',
    'STATISTICS',
  ],
  ...['FK CONSTRAINT', 'CHECK CONSTRAINT', 'CONSTRAINT', 'INDEX ATTACH', 'INDEX', 'TRIGGER', 'RULE', 'POLICY'],
  'ROW SECURITY',
];
const KEYS = ['CONSTRAINT', 'INDEX'];

/** Lines such as `3251; 2606 16414 FK CONSTRAINT public accounts accounts_fkey owner`, then `;	depends on: 214 218`. */
export function parseEntries(list: string): readonly DumpEntry[] {
  const found: DumpEntry[] = [];
  for (const line of list.split('\n')) {
    const [, id, rest = ''] = /^(\d+); \d+ \d+ (.*)$/.exec(line) ?? [];
    const [, needs] = /^;\tdepends on:((?: \d+)+)$/.exec(line) ?? [];
    const last = found.at(-1);
    if (id !== undefined) found.push({ id: Number(id), ...kindAndName(rest), needs: [] });
    else if (needs !== undefined && last)
      found[found.length - 1] = { ...last, needs: needs.trim().split(' ').map(Number) };
  }
  return found;
}

function kindAndName(rest: string): Pick<DumpEntry, 'kind' | 'name'> {
  const kind = ['TABLE ATTACH', 'TABLE DATA', ...PARTS].find((one) => rest.startsWith(`${one} `));
  const [, first = ''] = /^(\S+)/.exec(rest) ?? [];
  return { kind: kind ?? first, name: rest.slice((kind ?? first).length + 1) };
}

export interface ChosenEntries {
  /** In the order of the dump. */
  readonly kept: readonly DumpEntry[];
  /** Parts of the table that need something else, such as the other table of a foreign key. */
  readonly leftOut: readonly DumpEntry[];
  /** What the table itself needs and is not part of it, such as the type of a column. */
  readonly absent: readonly DumpEntry[];
}

/** A table, the tables that hang below it (partitions, heirs), and all parts of them that need nothing else. */
export function chooseEntries(entries: readonly DumpEntry[], wanted: readonly number[]): ChosenEntries {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  const chosen = new Set(wanted);
  grow(chosen, () => entries.filter(({ kind, needs }) => kind === 'TABLE' && needs.some((id) => chosen.has(id))));
  const tables = entries.filter(({ id }) => chosen.has(id));
  const absent = absentFor(tables, entries);
  const known = new Set(absent.map(({ id }) => id));
  const parts = entries.filter(({ kind }) => PARTS.includes(kind));
  const isMet = (part: DumpEntry) => (id: number) => chosen.has(id) || known.has(id) || isOnlyOrder(part, byId.get(id));
  const touches = ({ needs }: DumpEntry) => needs.some((id) => chosen.has(id));
  grow(chosen, () => parts.filter((part) => touches(part) && part.needs.every(isMet(part))));
  const names = tables.map(({ name }) => name.slice(0, name.lastIndexOf(' ') + 1));
  const isOfThem = ({ name }: DumpEntry) => names.some((table) => name.startsWith(table));
  return {
    kept: entries.filter(({ id }) => chosen.has(id)),
    // Of another table's foreign key to this one nobody has asked.
    leftOut: parts.filter((part) => !chosen.has(part.id) && touches(part) && isOfThem(part)),
    absent,
  };
}

/** Until nothing more comes. */
function grow(chosen: Set<number>, more: () => readonly DumpEntry[]): void {
  for (let before = -1; before !== chosen.size; ) {
    before = chosen.size;
    for (const { id } of more()) chosen.add(id);
  }
}

/** A partition's key comes after its parent's, and stands without it. */
function isOnlyOrder(part: DumpEntry, needed: DumpEntry | undefined): boolean {
  return KEYS.includes(part.kind) && needed !== undefined && KEYS.includes(needed.kind);
}

function absentFor(tables: readonly DumpEntry[], entries: readonly DumpEntry[]): readonly DumpEntry[] {
  const own = new Set(tables.map(({ id }) => id));
  const isAttachedTo = (parent: number) =>
    entries.some(
      ({ kind, needs }) => kind === 'TABLE ATTACH' && needs.includes(parent) && needs.some((id) => own.has(id)),
    );
  const needed = new Set(tables.flatMap(({ needs }) => needs));
  return entries.filter(({ id }) => needed.has(id) && !own.has(id) && !isAttachedTo(id));
}
