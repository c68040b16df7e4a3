import type { DatabaseSync } from "node:sqlite";
import { transaction } from "./log_database.ts";

/** Identifies a SQLite file as a log of this program (`bcas`), in the file's header. */
export const APPLICATION_ID = 0x62636173;

/**
 * Bits of a message's key that hold its id: a trillion messages per room. The other bits of a
 * positive rowid (63 bits) hold the room: eight million rooms.
 */
const ID_BITS = 40;

export const MAX_ID = 2 ** ID_BITS - 1;

const MAX_ROOM_NUMBER = 2 ** (63 - ID_BITS) - 1;

/** Splits texts into words for the full-text index. */
export const TOKENIZER = "unicode61 remove_diacritics 2";

// The messages that a room gets in one transaction are one row, a chunk: a row per message would
// cost several times as much. Its key combines the room's number and the id of its first message
// into one integer, so a room's log is one range of the table's own tree, in order, and appends
// write no second index. `body` holds a line per message (see lines.ts); it is NULL when all of them
// were trimmed but the keys are still needed. It is the last column, so that the others can be read
// without the pages of a long body. `refs` holds the origins of the messages (see chunk.ts). It has
// no index: repeats are looked up in memory (see dedup_index.ts). An index over random keys would
// touch a page for nearly every message.
//
// `rooms.first` is the oldest id kept; it may be in the middle of a chunk.
//
// `search` stores no text of its own, so deleting a row needs the text that was in it. With
// `contentless_delete` it would not, but it would be ten times as slow, and merges would block
// everything (measured). A room is indexed when it is searched, up to `rooms.indexed`. The key of a
// row is that of its message, so that a search can be limited to a room and a range of ids. The
// code that writes also merges the index (search.ts), a little at a time: left to itself, SQLite
// merges much at once, which blocks everything.
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

// Sanctions (see server/moderation/sanction_store.ts); `until` is NULL when permanent.
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

// Names that tokens have reserved (see server/names/owned_name_store.ts).
const THIRD = `
  CREATE TABLE owned_names (
    key TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    seen INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

/** Migrates from version `n` to `n + 1`. Published migrations are never edited. */
const MIGRATIONS: readonly string[] = [FIRST, SECOND, THIRD];

/** The version that this program writes. */
export const LOG_VERSION = MIGRATIONS.length;

/** Migrates the log to {@linkcode LOG_VERSION}, each step in its own transaction. */
export function migrate(db: DatabaseSync, from: number, newEpoch: string): void {
  for (const [index, sql] of MIGRATIONS.entries()) {
    if (index < from) continue;
    transaction(db, () => {
      db.exec(sql);
      if (index === 0) {
        db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
        db.prepare("INSERT INTO meta VALUES ('epoch', ?), ('opened', '')").run(newEpoch);
      }
      db.exec(`PRAGMA user_version = ${index + 1}`);
    });
  }
}
