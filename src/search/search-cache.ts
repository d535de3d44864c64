import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Raised whenever the tables change: an older cache is thrown away, since it can be made again from the vault. */
const SCHEMA = 2;
// Another process may be storing a point with a million files.
const BUSY_MS = 60_000;
/** A trigram index answers pieces of at least three characters. */
const TRIGRAM = 3;

export interface CachedFile {
  /** As shownBytes writes it. */
  readonly path: string;
  readonly kind: string;
  readonly bytes: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** ISO 8601 with nine digits. */
  readonly modifiedAt: string;
  readonly target: string;
  /** Of a table or database; null for files. */
  readonly rows: number | null;
}

export interface FoundFile extends CachedFile {
  readonly pointId: string;
}

export interface SearchCache {
  /** What must be said with every answer from this point, such as a damaged folder; undefined when it is not cached. */
  notesOf(pointId: string): readonly string[] | undefined;
  /** Whole or not at all, whoever else does the same and whenever this process ends. `notes` are asked for at the end. */
  store(pointId: string, files: AsyncIterable<CachedFile>, notes: () => readonly string[]): Promise<number>;
  /** `*`, `?` and `[…]` as a shell's, else a substring; of the last segment, or of the path if there is a '/' in it. */
  find(pattern: string, pointIds: readonly string[], limit: number): readonly FoundFile[];
  close(): void;
}

/** In the user's cache folder; holds names, so only its owner reads it. */
export function searchCachePath(cacheFolder: string, vaultId: string): string {
  return join(cacheFolder, 'search', `${vaultId}.sqlite`);
}

/** Derived from the vault alone: one that is damaged or of another version is made anew. */
export function openSearchCache(path: string): SearchCache {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    return cacheOver(openDatabase(path));
  } catch (error) {
    if (!isUnusable(error)) throw error;
    for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
    return cacheOver(openDatabase(path));
  }
}

class OtherSchema extends Error {}

function isUnusable(error: unknown): boolean {
  if (error instanceof OtherSchema) return true;
  // SQLITE_CORRUPT and SQLITE_NOTADB.
  return error instanceof Error && 'errcode' in error && (error.errcode === 11 || error.errcode === 26);
}

function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    database.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;`);
    database.exec('BEGIN IMMEDIATE');
    const version = database.prepare('PRAGMA user_version').get()?.user_version;
    if (version === 0) database.exec(`${TABLES} PRAGMA user_version = ${SCHEMA};`);
    database.exec('COMMIT');
    if (version !== 0 && version !== SCHEMA) throw new OtherSchema();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

const TABLES = `
  CREATE TABLE point (id TEXT PRIMARY KEY, notes TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE path (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, name TEXT NOT NULL);
  CREATE VIRTUAL TABLE words USING fts5 (path, content = 'path', content_rowid = 'id', tokenize = 'trigram case_sensitive 1');
  CREATE TABLE file (
    pathId INTEGER NOT NULL, pointId TEXT NOT NULL, kind TEXT NOT NULL, bytes INTEGER NOT NULL, mode INTEGER NOT NULL,
    uid INTEGER NOT NULL, gid INTEGER NOT NULL, modifiedAt TEXT NOT NULL, target TEXT NOT NULL, rows INTEGER,
    PRIMARY KEY (pathId, pointId)
  ) WITHOUT ROWID;`;

function cacheOver(database: DatabaseSync): SearchCache {
  return {
    notesOf(pointId) {
      const notes = database.prepare('SELECT notes FROM point WHERE id = ?').get(pointId)?.notes;
      return typeof notes === 'string' ? notes.split('\n').filter((note) => note !== '') : undefined;
    },
    store: (pointId, files, notes) => storePoint(database, { pointId, files, notes }),
    find: (pattern, pointIds, limit) => findFiles(database, { pattern, pointIds, limit }),
    close: () => database.close(),
  };
}

/** Into a table of this connection first: while the disks are read nobody waits, and a kill leaves nothing. */
async function storePoint(
  database: DatabaseSync,
  { pointId, files, notes }: { pointId: string; files: AsyncIterable<CachedFile>; notes: () => readonly string[] },
): Promise<number> {
  database.exec('CREATE TEMP TABLE staged (path, name, kind, bytes, mode, uid, gid, modifiedAt, target, rows)');
  try {
    const stage = database.prepare('INSERT INTO staged VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    let count = 0;
    for await (const { path, kind, bytes, mode, uid, gid, modifiedAt, target, rows } of files) {
      stage.run(path, path.slice(path.lastIndexOf('/') + 1), kind, bytes, mode, uid, gid, modifiedAt, target, rows);
      count++;
    }
    database.exec('BEGIN IMMEDIATE');
    try {
      adopt(database, pointId, notes());
      database.exec('COMMIT');
    } catch (error) {
      database.exec('ROLLBACK');
      throw error;
    }
    return count;
  } finally {
    database.exec('DROP TABLE IF EXISTS staged');
  }
}

function adopt(database: DatabaseSync, pointId: string, notes: readonly string[]): void {
  const { changes } = database.prepare('INSERT OR IGNORE INTO point VALUES (?, ?)').run(pointId, notes.join('\n'));
  if (changes === 0) return; // another process was faster, with the same files
  const last = database.prepare('SELECT coalesce(max(id), 0) AS id FROM path').get()?.id ?? 0;
  database.exec('INSERT OR IGNORE INTO path (path, name) SELECT path, name FROM staged');
  database.prepare('INSERT INTO words (rowid, path) SELECT id, path FROM path WHERE id > ?').run(last);
  database
    .prepare(
      `INSERT OR IGNORE INTO file SELECT p.id, ?, s.kind, s.bytes, s.mode, s.uid, s.gid, s.modifiedAt, s.target, s.rows
       FROM staged s JOIN path p ON p.path = s.path`,
    )
    .run(pointId);
}

interface Wanted {
  readonly pattern: string;
  readonly pointIds: readonly string[];
  readonly limit: number;
}

function findFiles(database: DatabaseSync, { pattern, pointIds, limit }: Wanted): readonly FoundFile[] {
  const column = pattern.includes('/') ? 'p.path' : 'p.name';
  const isGlob = /[*?[]/.test(pattern);
  const literal = longestLiteral(pattern);
  const conditions = [
    ...(literal.length >= TRIGRAM ? ['p.id IN (SELECT rowid FROM words WHERE words MATCH :literal)'] : []),
    isGlob ? `${column} GLOB :pattern` : `instr(${column}, :pattern) > 0`,
    'f.pointId IN (SELECT value FROM json_each(:points))',
  ];
  const rows = database
    .prepare(
      `SELECT p.path, f.* FROM path p JOIN file f ON f.pathId = p.id WHERE ${conditions.join(' AND ')}
       ORDER BY p.path, f.pointId LIMIT :limit`,
    )
    .all({
      pattern,
      points: JSON.stringify(pointIds),
      limit,
      ...(literal.length >= TRIGRAM && { literal: `"${literal.replaceAll('"', '""')}"` }),
    });
  return rows.map(fileOf);
}

/** The longest piece that every match must hold. */
function longestLiteral(pattern: string): string {
  const pieces = pattern.split(/\[[^\]]*\]|[*?[]/);
  return pieces.reduce((longest, piece) => (piece.length > longest.length ? piece : longest), '');
}

function fileOf(row: Record<string, unknown>): FoundFile {
  return {
    path: String(row.path),
    pointId: String(row.pointId),
    kind: String(row.kind),
    bytes: Number(row.bytes),
    mode: Number(row.mode),
    uid: Number(row.uid),
    gid: Number(row.gid),
    modifiedAt: String(row.modifiedAt),
    target: String(row.target),
    rows: row.rows === null ? null : Number(row.rows),
  };
}
