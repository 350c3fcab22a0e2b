import { randomUUID } from 'node:crypto';
import { chmodSync, closeSync, existsSync, openSync, renameSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/**
 * `last` is never used twice, also when the table was empty meanwhile: cursors of the store name ranges of it. Vacuuming step
 * by step gives the space of a drained backlog back without rewriting the file. What is written waits for the disk when the
 * log is copied into the file: every 16 MiB, of which the log keeps the room.
 */
const SCHEMA = `
  PRAGMA auto_vacuum = INCREMENTAL;
  PRAGMA journal_mode = WAL;
  CREATE TABLE IF NOT EXISTS batches (
    last INTEGER PRIMARY KEY AUTOINCREMENT, stream INTEGER NOT NULL, received_at INTEGER NOT NULL,
    records INTEGER NOT NULL, bytes INTEGER NOT NULL, content TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS batches_stream ON batches (stream, last);
  CREATE TABLE IF NOT EXISTS streams (stream INTEGER PRIMARY KEY, dropped INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS deliveries (
    session TEXT NOT NULL, id INTEGER NOT NULL, stream INTEGER NOT NULL, PRIMARY KEY (session, id, stream)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS identity (id TEXT NOT NULL);
  PRAGMA wal_autocheckpoint = 4000;
  PRAGMA journal_size_limit = 16777216;
`;

export interface SpoolFileOptions {
  /** Each commit waits for the disk, so that a power cut costs nothing either. */
  isFlushed: boolean;
  log(level: 'warn' | 'error', message: string): void;
}

/** Opens the spool's file; one that is no database any more is put aside, since live values must not wait for a person. */
export function openSpoolFile(path: string, { isFlushed, log }: SpoolFileOptions): { file: DatabaseSync; id: string } {
  try {
    return open(path, isFlushed);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    const aside = `${path}.broken-${Date.now()}`;
    for (const suffix of ['', '-wal', '-shm']) {
      if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
    }
    log('error', `The spool ${path} is damaged and was put aside as ${aside}: ${(error as Error).message}`);
    return open(path, isFlushed);
  }
}

function open(path: string, isFlushed: boolean): { file: DatabaseSync; id: string } {
  // SQLite gives the mode of the file to its log as well.
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
  const file = new DatabaseSync(path, { timeout: 10_000 });
  try {
    file.exec(SCHEMA);
    file.exec(`PRAGMA synchronous = ${isFlushed ? 'FULL' : 'NORMAL'}`);
    const known = file.prepare('SELECT id FROM identity').get();
    if (known !== undefined) return { file, id: String(known.id) };
    const id = randomUUID();
    file.prepare('INSERT INTO identity VALUES (?)').run(id);
    return { file, id };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** SQLITE_CORRUPT, SQLITE_NOTADB */
function isCorrupt(error: unknown): boolean {
  return [11, 26].includes(Number((error as { errcode?: number }).errcode) & 0xff);
}
