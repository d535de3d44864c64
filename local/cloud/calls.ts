import type { Store } from './store.ts';

/** One line of `GET /v1/calls`. */
export interface CallRecord {
  readonly at: string;
  readonly accessKeyId?: string;
  readonly service: string;
  readonly action: string;
  readonly dryRun: boolean;
  readonly instanceIds: readonly string[];
  readonly volumeIds: readonly string[];
  readonly snapshotIds: readonly string[];
  /** Ids of every other kind (interfaces, images, networks). */
  readonly otherIds: readonly string[];
  readonly error?: string;
}

export interface BlockCounts {
  readonly snapshotId: string;
  readonly reads: number;
  readonly blocksRead: number;
  readonly writes: number;
  readonly blocksWritten: number;
}

/** What was asked of the cloud and what the cloud told its machines; nothing is forgotten over a restart. */
export interface CallLog {
  record(
    call: Omit<CallRecord, 'at' | 'instanceIds' | 'volumeIds' | 'snapshotIds' | 'otherIds'>,
    ids: readonly string[],
  ): void;
  /** A command to a machine, as service `machine`, action `qmp:<command>`. */
  recordCommand(command: string, instanceId: string): void;
  /** Block transfers are counted per block instead of logged: a backup makes tens of thousands. */
  countRead(snapshotId: string, block: number): void;
  countWrite(snapshotId: string, block: number): void;
  since(sequence: number): Generator<{ seq: number } & CallRecord>;
  blockCounts(): BlockCounts[];
}

export function createCallLog(store: Store, now: () => number): CallLog {
  const { database } = store;
  const insert = database.prepare('INSERT INTO call (at, json) VALUES (?, ?)');
  const page = database.prepare('SELECT seq, json FROM call WHERE seq > ? ORDER BY seq LIMIT 1000');
  const upsert = (column: 'reads' | 'writes') =>
    database.prepare(
      `INSERT INTO block_count (snapshot, block, reads, writes) VALUES (?, ?, ${column === 'reads' ? '1, 0' : '0, 1'})
       ON CONFLICT DO UPDATE SET ${column} = ${column} + 1`,
    );
  const [read, write] = [upsert('reads'), upsert('writes')];
  const sums = database.prepare(
    `SELECT snapshot, SUM(reads) AS reads, SUM(reads > 0) AS blocksRead, SUM(writes) AS writes,
       SUM(writes > 0) AS blocksWritten FROM block_count GROUP BY snapshot`,
  );
  const append = (record: Omit<CallRecord, 'at'>) => {
    const at = now();
    insert.run(at, JSON.stringify({ at: new Date(at).toISOString(), ...record }));
  };
  return {
    record: (call, ids) => append({ ...call, ...sortIds(ids) }),
    recordCommand: (command, instanceId) =>
      append({ service: 'machine', action: `qmp:${command}`, dryRun: false, ...sortIds([instanceId]) }),
    countRead: (snapshotId, block) => void read.run(snapshotId, block),
    countWrite: (snapshotId, block) => void write.run(snapshotId, block),
    *since(sequence) {
      for (let last = sequence; ; ) {
        const rows = page.all(last);
        for (const row of rows) {
          last = Number(row.seq);
          yield { seq: last, ...(JSON.parse(String(row.json)) as CallRecord) };
        }
        if (rows.length === 0) return;
      }
    },
    blockCounts: () =>
      sums.all().map((row) => ({
        snapshotId: String(row.snapshot),
        reads: Number(row.reads),
        blocksRead: Number(row.blocksRead),
        writes: Number(row.writes),
        blocksWritten: Number(row.blocksWritten),
      })),
  };
}

function sortIds(ids: readonly string[]) {
  const startingWith = (prefix: string) => ids.filter((id) => id.startsWith(prefix));
  return {
    instanceIds: startingWith('i-'),
    volumeIds: startingWith('vol-'),
    snapshotIds: startingWith('snap-'),
    otherIds: ids.filter((id) => !/^(i|vol|snap)-/.test(id)),
  };
}
