import { type ClientConnection, ConnectError, RequestError } from "../../client.ts";
import { errorText, sanitized } from "../state/sanitize.ts";
import { roomOf } from "../state/threads.ts";
import type { ThreadKey, UnsentMessage } from "../state/types.ts";
import { confirmationText } from "./can_send.ts";
import type { Store } from "./store.ts";

/** Sends messages, and puts the results into the state. */
export class MessageSender {
  /** Private messages that wait until the hub tells who is online. */
  readonly #held = new Set<string>();

  constructor(private readonly store: Store) {}

  /** Sends a pending message of the state. */
  async send(
    connection: ClientConnection,
    key: ThreadKey,
    { ref, text, action }: UnsentMessage,
  ): Promise<void> {
    const { store } = this;
    const room = roomOf(key);
    // While offline, another person may take the name.
    if (room === undefined && store.state.connection.state !== "online") {
      this.#held.add(ref);
      return;
    }
    this.#held.delete(ref);
    const { name = key.slice(1), partner } = store.state.threads.get(key) ?? {};
    const fail = (error: string, absent?: true): void =>
      store.queue({ type: "failed", key, ref, error, absent });
    if (partner?.doubtful === true) return fail(confirmationText(name));
    const content = { message: text, format: "markdown" } as const;
    try {
      if (room === undefined) {
        const told = await connection.direct(name, content);
        store.queue({ type: "delivered", key, ref, direct: sanitized(told), told });
      } else {
        const kind = action ? { kind: "action" as const } : {};
        const { id } = await connection.send({ room, key: ref, ...content, ...kind });
        store.queue({ type: "acked", key, ref, id });
      }
    } catch (error) {
      // The session ended: the next one sends it.
      if (error instanceof ConnectError && (room !== undefined || error.failure !== "lost")) return;
      if (error instanceof RequestError && error.code === "no_such_user") {
        fail(`${name} is not here any more`, true);
      } else fail(errorText(error));
    }
  }

  /** Sends pending messages with their old keys, so that the hub keeps each once. */
  resend(connection: ClientConnection, which: "all" | "held" = "all"): void {
    for (const { key, pending } of this.store.state.threads.values()) {
      for (const each of pending) {
        if (each.error !== undefined || (which === "held" && !this.#held.has(each.ref))) continue;
        void this.send(connection, key, each);
      }
    }
  }

  /**
   * Sends the pending messages of the tab that had the connection before. Its private messages may
   * have been delivered, so the user decides.
   */
  takeOver(connection: ClientConnection): void {
    const error = "The tab that sent it was closed: it may have been delivered";
    for (const { key, pending } of this.store.state.threads.values()) {
      if (roomOf(key) !== undefined) continue;
      for (const each of pending) {
        if (each.error !== undefined) continue;
        this.store.apply({ type: "failed", key, ref: each.ref, error });
      }
    }
    this.resend(connection);
  }
}
