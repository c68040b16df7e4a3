import { DatabaseSync } from "node:sqlite";
import type { Chunks } from "./chunks.ts";
import { TOKENIZER } from "./migrations.ts";
import type { RoomLog } from "./room_log.ts";
import { nextTurn, SLICE_MESSAGES } from "./batch_scan.ts";

/**
 * A full-text index of the messages that the log's own index lacks, in memory: for searching while
 * the log cannot be written, as on a full disk.
 */
export class UnwrittenIndex {
  readonly #texts: ReadonlyMap<number, string>;

  private constructor(texts: ReadonlyMap<number, string>) {
    this.#texts = texts;
  }

  /** Reads what a room has above its index, up to the id `last`, a slice in each turn. */
  static async make(chunks: Chunks, room: RoomLog, last: number): Promise<UnwrittenIndex> {
    const texts = new Map<number, string>();
    for (let from = Math.max(room.indexed + 1, room.first); from <= last; from += SLICE_MESSAGES) {
      const to = Math.min(last, from + SLICE_MESSAGES - 1);
      chunks.texts(room, from, to, (id, text) => texts.set(id, text));
      await nextTurn();
    }
    return new UnwrittenIndex(texts);
  }

  /** The ids of a range whose messages match, rising. */
  find(expression: string, from: number, to: number): readonly number[] {
    using db = new DatabaseSync(":memory:");
    db.exec(
      `CREATE VIRTUAL TABLE rest USING fts5(message, content = '', tokenize = '${TOKENIZER}')`,
    );
    const fill = db.prepare("INSERT INTO rest (rowid, message) VALUES (?, ?)");
    db.exec("BEGIN");
    for (const [id, text] of this.#texts) {
      if (id >= from && id <= to) fill.run(id, text.replaceAll("\u0000", " "));
    }
    return db.prepare("SELECT rowid AS id FROM rest WHERE rest MATCH ? ORDER BY rowid")
      .all(expression).map(({ id }) => Number(id));
  }
}
