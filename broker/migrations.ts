import type { DatabaseSync } from "node:sqlite";

/** Marks a SQLite file as a log of this program (`bcas`), in the header of the file. */
export const APPLICATION_ID = 0x62636173;

/**
 * Bits of a message's key that hold its id: a trillion messages a room, and eight million rooms
 * above them in the 63 bits that a positive rowid has.
 */
export const ID_BITS = 40;

/** The largest id that a room can give. */
export const MAX_ID = 2 ** ID_BITS - 1;

/** The largest number that a room can have. */
const MAX_ROOM_NUMBER = 2 ** (63 - ID_BITS) - 1;

// The key of a message is its room's number and its id in one integer. A room's log is then one
// range of the table's own tree, in order: no second index to write on every append, and the
// full-text index, whose rows have the same keys, can be asked for one room and one range of ids.
//
// `refs` is in the order of time, so that forgetting is cutting off its beginning, and it has no
// index: retries are looked up in memory (see refs.ts). An index over random marks would touch
// one page for nearly every message, which costs five times the message itself.
//
// `search` has no copy of the text but the one in `messages`. It is caught up when somebody searches,
// and `rooms.indexed` says up to which id. Its parts are merged by who writes to it (search.ts), a
// little at a time: left to itself, it merges much at once, and everything stands still meanwhile.
const FIRST = `
  CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE rooms (
    no INTEGER PRIMARY KEY CHECK (no BETWEEN 1 AND ${MAX_ROOM_NUMBER}),
    name TEXT NOT NULL UNIQUE,
    last INTEGER NOT NULL DEFAULT 0,
    indexed INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  CREATE TABLE messages (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    sender TEXT NOT NULL,
    message TEXT,
    data TEXT,
    kind TEXT,
    CHECK (message IS NOT NULL OR data IS NOT NULL)
  ) STRICT;

  CREATE TABLE refs (
    no INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    session TEXT NOT NULL,
    ref TEXT NOT NULL,
    room INTEGER NOT NULL,
    id INTEGER NOT NULL
  ) STRICT;

  CREATE VIRTUAL TABLE search USING fts5(
    message,
    content = 'messages',
    content_rowid = 'seq',
    tokenize = 'unicode61 remove_diacritics 2'
  );
  INSERT INTO search (search, rank) VALUES ('automerge', 0), ('crisismerge', 1999);
`;

/** What turns version `n` of the log into version `n + 1`. Published ones are never edited. */
const MIGRATIONS: readonly string[] = [FIRST];

/** The version of the log that this program writes. */
export const LOG_VERSION = MIGRATIONS.length;

/** Brings the log to {@linkcode LOG_VERSION}, each step in a transaction of its own. */
export function migrate(db: DatabaseSync, from: number, newEpoch: string): void {
  for (const [index, sql] of MIGRATIONS.entries()) {
    if (index < from) continue;
    db.exec("BEGIN IMMEDIATE");
    try {
      db.exec(sql);
      if (index === 0) {
        db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
        db.prepare("INSERT INTO meta VALUES ('epoch', ?), ('opened', '')").run(newEpoch);
      }
      db.exec(`PRAGMA user_version = ${index + 1}`);
      db.exec("COMMIT");
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
  }
}
