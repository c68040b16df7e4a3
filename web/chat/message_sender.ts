import { type ClientConnection, ConnectError, RequestError } from "../../client.ts";
import { errorText, sanitized } from "../state/sanitize.ts";
import { roomOf } from "../state/threads.ts";
import type { ThreadKey, UnsentMessage } from "../state/types.ts";
import { doubtful } from "./can_send.ts";
import type { Store } from "./store.ts";

/** Gets messages to the hub, and what became of them into the state. */
export class MessageSender {
  /** Private messages that wait until it is known again who is here. */
  readonly #held = new Set<string>();

  constructor(private readonly store: Store) {}

  /** Sends a message that is in the state as pending. */
  async send(
    conversation: ClientConnection,
    key: ThreadKey,
    pending: UnsentMessage,
  ): Promise<void> {
    const { ref, text, action } = pending;
    const room = roomOf(key);
    // Meanwhile, another person may have taken the name.
    if (room === undefined && this.store.state.connection.state !== "online") {
      this.#held.add(ref);
      return;
    }
    this.#held.delete(ref);
    const thread = this.store.state.threads.get(key);
    if (thread?.other?.doubt === true) {
      this.store.queue({ type: "failed", key, ref, error: doubtful(thread.name) });
      return;
    }
    try {
      if (room === undefined) {
        const to = thread?.name ?? key.slice(1);
        const direct = await conversation.direct(to, { message: text, format: "markdown" });
        this.store.queue({
          type: "delivered",
          key,
          ref,
          direct: sanitized(direct),
          told: direct,
        });
      } else {
        const kind = action ? { kind: "action" as const } : {};
        const { id } = await conversation.send({
          room,
          message: text,
          ref,
          format: "markdown",
          ...kind,
        });
        this.store.queue({ type: "acked", key, ref, id });
      }
    } catch (error) {
      // The conversation ended: the next one sends it.
      if (error instanceof ConnectError && (room !== undefined || error.failure !== "lost")) return;
      const nobody = error instanceof RequestError && error.code === "no_such_user";
      this.store.queue({
        type: "failed",
        key,
        ref,
        error: nobody ? `${thread?.name ?? "That person"} is not here any more` : errorText(error),
        ...(nobody ? { absent: true } : {}),
      });
    }
  }

  /** Sends what an earlier conversation could not, under the same refs: the hub keeps each once. */
  resend(conversation: ClientConnection, which: "all" | "held" = "all"): void {
    for (const { key, pending } of this.store.state.threads.values()) {
      for (const each of pending) {
        if (each.error !== undefined || (which === "held" && !this.#held.has(each.ref))) continue;
        void this.send(conversation, key, each);
      }
    }
  }

  /**
   * Sends what the tab that had the connection before could not send. It is unknown whether its
   * private messages were delivered, so the user decides.
   */
  takeOver(conversation: ClientConnection): void {
    for (const { key, pending } of this.store.state.threads.values()) {
      if (roomOf(key) !== undefined) continue;
      for (const { ref, error } of pending) {
        if (error !== undefined) continue;
        const why = "The tab that sent it was closed: it may have been delivered";
        this.store.apply({ type: "failed", key, ref, error: why });
      }
    }
    this.resend(conversation);
  }
}
