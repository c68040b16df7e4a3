import type { DatabaseSync } from "node:sqlite";

/** Pages that are overwritten with one row: some megabytes. */
const WIPED_AT_ONCE = 1024;

/**
 * Moves all messages to other pages and empties the full-text index, which is built anew by whoever
 * searches or trims. With `secure_delete`, nothing of a deleted message is left then: the pages that
 * had one are overwritten as they are given up, their unused parts too.
 *
 * `VACUUM` would do the same, but takes the right to attach databases, which a program without all
 * permissions of the runtime does not have.
 */
export function rewrite(db: DatabaseSync): void {
  const schema = db.prepare("SELECT sql FROM sqlite_schema WHERE name = 'chunks'").get()?.["sql"];
  const create = String(schema).replace(/^CREATE TABLE "?chunks"?/, "CREATE TABLE rewritten");
  transaction(
    db,
    `${create};
    INSERT INTO rewritten SELECT * FROM chunks ORDER BY seq;
    DROP TABLE chunks;
    ALTER TABLE rewritten RENAME TO chunks;
    INSERT INTO search (search) VALUES ('delete-all');
    UPDATE rooms SET indexed = first - 1;
    REPLACE INTO meta VALUES ('erase', '')`,
  );
}

/** Overwrites the pages that are not used: versions that did not erase gave them up as they were. */
export function wipeFreePages(db: DatabaseSync): void {
  const number = (pragma: string): number =>
    Number(Object.values(db.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);
  if (number("freelist_count") === 0) return;
  const bytes = WIPED_AT_ONCE * number("page_size");
  db.exec("BEGIN IMMEDIATE; CREATE TABLE wiped (zeros BLOB)");
  try {
    const wipe = db.prepare("INSERT INTO wiped VALUES (zeroblob(?))");
    while (number("freelist_count") > 0) {
      wipe.run(Math.min(bytes, number("freelist_count") * number("page_size")));
    }
    db.exec("DROP TABLE wiped; COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}

function transaction(db: DatabaseSync, sql: string): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    db.exec(sql);
    db.exec("COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}
