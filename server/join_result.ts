import type { Joined } from "../protocol.ts";
import { type EncodedMessage, jsonList } from "./recent_messages.ts";

/** A room as one session finds it on entering: `Joined`, with its history already encoded. */
export interface JoinSnapshot {
  readonly fields: Omit<Joined, "history">;
  readonly history: readonly EncodedMessage[];
  /** The JSON of `history`, where the room's tail had it ready. */
  readonly historyJson?: string;
}

/** The JSON object of a room in `welcome`, or of a `joined` frame when given the type. */
export function joinSnapshotJson(entered: JoinSnapshot, type?: "joined"): string {
  const head = JSON.stringify(type === undefined ? entered.fields : { type, ...entered.fields });
  const history = entered.historyJson ?? jsonList(entered.history);
  return `${head.slice(0, -1)},"history":${history}}`;
}
