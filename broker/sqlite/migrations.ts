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

/** How the full-text index splits a text into words. */
export const TOKENIZER = "unicode61 remove_diacritics 2";

// What a room gets in one transaction is one row, a chunk: a row for each message would cost several
// times as much. Its key is the room's number and the id of its first message in one integer, so that
// a room's log is one range of the table's own tree, in order, without a second index to write on
// every append. `body` holds a line for each message (see lines.ts) and is NULL when all of them were
// trimmed while the chunk's marks still count; it is the last column, so that the others can be read
// without the pages that a long one takes. `refs` says where the messages came from (see marks.ts).
// It has no index: retries are looked up in memory (see retries.ts). An index over random marks would
// touch one page for nearly every message.
//
// `rooms.first` is the oldest id that is kept; chunks go as a whole, so that it may be inside of one.
//
// `search` has no text of its own, and is told what was in a row that goes; with `contentless_delete`
// it would not have to be, but be ten times as slow, and hold up everything when it merges (measured).
// It is caught up when somebody searches, and `rooms.indexed` says up to which id. Its rows have a
// message's room and id as their key, so that it can be asked for one room and one range of ids. Its
// parts are merged by who writes to it (search.ts), a little at a time: left to itself, it merges much
// at once, and everything stands still meanwhile.
const FIRST = `
  CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE rooms (
    no INTEGER PRIMARY KEY CHECK (no BETWEEN 1 AND ${MAX_ROOM_NUMBER}),
    name TEXT NOT NULL UNIQUE,
    first INTEGER NOT NULL DEFAULT 1,
    last INTEGER NOT NULL DEFAULT 0,
    indexed INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  CREATE TABLE chunks (
    seq INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    at INTEGER NOT NULL,
    refs TEXT,
    body TEXT
  ) STRICT;

  CREATE VIRTUAL TABLE search USING fts5(
    message,
    content = '',
    tokenize = '${TOKENIZER}'
  );
  INSERT INTO search (search, rank) VALUES ('automerge', 0), ('crisismerge', 1999);
`;

// What moderators have decided (see measures.ts); `until` is NULL for ever.
const SECOND = `
  CREATE TABLE measures (
    kind TEXT NOT NULL,
    about TEXT NOT NULL,
    key TEXT NOT NULL,
    target TEXT NOT NULL,
    reason TEXT,
    author TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    PRIMARY KEY (kind, about, key),
    CHECK (
      kind IN ('ban', 'mute') AND about IN ('name', 'address') OR kind = 'close' AND about = 'room'
    )
  ) STRICT, WITHOUT ROWID;
`;

// Names that tokens proved (see owned_names.ts).
const THIRD = `
  CREATE TABLE owned_names (
    key TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    seen INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

/** What turns version `n` of the log into version `n + 1`. Published ones are never edited. */
const MIGRATIONS: readonly string[] = [FIRST, SECOND, THIRD];

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
