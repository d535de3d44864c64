import { DatabaseSync, type StatementSync } from 'node:sqlite';

/** Records of one kind, kept in memory and written through; ids are unique over all kinds. */
export interface Collection<T extends { readonly id: string }> {
  get(id: string): T | undefined;
  all(): T[];
  put(record: T): T;
  /** Replaces the fields given and returns the new record. */
  update(id: string, change: Partial<T>): T;
  remove(id: string): void;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS record (id TEXT PRIMARY KEY, kind TEXT NOT NULL, json TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS bitmap (id TEXT PRIMARY KEY, bits BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS put_block (snapshot TEXT, block INTEGER, digest BLOB NOT NULL,
    PRIMARY KEY (snapshot, block)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS block_count (snapshot TEXT, block INTEGER, reads INTEGER NOT NULL, writes INTEGER NOT NULL,
    PRIMARY KEY (snapshot, block)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS call (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, json TEXT NOT NULL);
`;

/** The cloud's memory. A write is there after SIGKILL as soon as the call that made it returns. */
export class Store {
  readonly database: DatabaseSync;
  readonly #putRecord: StatementSync;
  readonly #removeRecord: StatementSync;

  constructor(file: string) {
    this.database = new DatabaseSync(file);
    // NORMAL: with WAL a killed process loses nothing; only a host's power cut may lose the last moments.
    this.database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;');
    this.database.exec(SCHEMA);
    this.#putRecord = this.database.prepare('INSERT OR REPLACE INTO record (id, kind, json) VALUES (?, ?, ?)');
    this.#removeRecord = this.database.prepare('DELETE FROM record WHERE id = ?');
  }

  collection<T extends { readonly id: string }>(kind: string): Collection<T> {
    const records = new Map<string, T>();
    const rows = this.database.prepare('SELECT json FROM record WHERE kind = ?').all(kind);
    for (const { json } of rows) {
      const record = JSON.parse(String(json)) as T;
      records.set(record.id, record);
    }
    const put = (record: T): T => {
      this.#putRecord.run(record.id, kind, JSON.stringify(record));
      records.set(record.id, record);
      return record;
    };
    return {
      get: (id) => records.get(id),
      all: () => [...records.values()],
      put,
      update(id, change) {
        const record = records.get(id);
        if (record === undefined) throw new Error(`${kind} ${id} is gone and cannot be updated`);
        return put({ ...record, ...change });
      },
      remove: (id) => {
        this.#removeRecord.run(id);
        records.delete(id);
      },
    };
  }

  readFact(name: string): unknown {
    const row = this.database.prepare('SELECT json FROM fact WHERE name = ?').get(name);
    return row === undefined ? undefined : JSON.parse(String(row.json));
  }

  writeFact(name: string, value: unknown): void {
    this.database.prepare('INSERT OR REPLACE INTO fact (name, json) VALUES (?, ?)').run(name, JSON.stringify(value));
  }

  /**
   * All writes of `body` or none on disk. `body` must not fail after its first write: what is in memory does not roll
   * back.
   */
  together(body: () => void): void {
    this.database.exec('BEGIN IMMEDIATE');
    try {
      body();
      this.database.exec('COMMIT');
    } catch (error) {
      this.database.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.database.close();
  }
}
