import type { Cancel, Clock } from "../lib/clock.ts";
import { type ClientConnection, ConnectError, RequestError } from "../client/types.ts";
import type { Ack, Direct, Limits, MessageKind } from "../protocol.ts";

/** Milliseconds after which a message that the hub does not have yet is shown as waiting: below, it would only flicker. */
const SHOWN_AFTER = 100;
/** Milliseconds after which a private message waits for its receiver rather than for the hub. */
const HELD_AFTER = 2000;
/** What a person types in a chat is light Markdown, unlike what a program sends. */
const TYPED = "markdown";
/** Characters of a `ref` that a message may carry: what it takes on the wire is counted with it. */
const REF_LENGTH = 28;
/** The share of the limit from which on the size of a draft is told. */
const NEAR = 0.9;

/** What travels of something that somebody says in a room. */
interface RoomContent {
  readonly room: string;
  readonly message: string;
  readonly format: typeof TYPED;
  readonly kind?: MessageKind;
}

/** What somebody says in a room. */
export interface OutgoingRoomMessage {
  readonly kind: "room";
  readonly room: string;
  readonly text: string;
  readonly how?: MessageKind;
}

/** What somebody says, and to whom. */
export type OutgoingMessage =
  | OutgoingRoomMessage
  | { readonly kind: "private"; readonly to: string; readonly text: string };

/** Who hears what became of what was sent. */
export interface UnsentListener {
  /** What waits is not what it was. */
  changed(): void;
  /** A private message was delivered. */
  delivered(direct: Direct): void;
  /** A message of a room is in the log; it comes back by itself, where the hub is asked for that. */
  acked(saying: OutgoingRoomMessage, ack: Ack): void;
  /** The hub did not take it; or, with a {@linkcode ConnectError}, nobody knows whether it did. */
  refused(saying: OutgoingMessage, error: RequestError | ConnectError): void;
  /** The conversation ended before the hub had it. */
  undelivered(saying: OutgoingMessage): void;
}

interface Waiting {
  readonly saying: OutgoingMessage;
  readonly since: number;
}

/** What was said and is not known to have arrived. */
export class UnsentMessages {
  /** Messages that the hub never had, as far as is known. */
  undeliveredCount = 0;
  readonly #waiting = new Set<Waiting>();
  #cancel: Cancel | undefined;

  constructor(
    private readonly connection: ClientConnection,
    private readonly clock: Clock,
    private readonly listener: UnsentListener,
  ) {}

  get count(): number {
    return this.#waiting.size;
  }

  /** What to show of what waits, one line each, oldest first. `here`: the room that needs no name. */
  describe(here: string): readonly string[] {
    const online = this.connection.state === "online";
    const due = this.clock.now() - SHOWN_AFTER;
    const lines: string[] = [];
    for (const one of this.#waiting) {
      const { saying, since } = one;
      if (online && since > due) continue;
      const place = saying.kind === "room" ? saying.room : `@${saying.to}`;
      const where = place === here ? "" : `${place}: `;
      lines.push(
        `${where}${cut(saying.text)} (${online ? this.#waitOf(one) : "waiting for the hub"})`,
      );
    }
    return lines;
  }

  #waitOf({ saying, since }: Waiting): string {
    // After an outage a private message is held until its receiver is back, too.
    const isHeld = saying.kind === "private" && this.clock.now() - since >= HELD_AFTER;
    return isHeld ? `waiting for ${saying.to}` : "sending";
  }

  /** Sends it; what becomes of it is told to the listener. */
  send(saying: OutgoingMessage): void {
    const one: Waiting = { saying, since: this.clock.now() };
    this.#waiting.add(one);
    const settle = (): void => {
      this.#waiting.delete(one);
      this.listener.changed();
    };
    void this.#send(saying).then((direct) => {
      if (direct !== undefined) this.listener.delivered(direct);
    }, (error: unknown) => this.#failed(saying, error)).finally(settle);
    this.#cancel ??= this.clock.after(SHOWN_AFTER, () => {
      this.#cancel = undefined;
      this.listener.changed();
    });
    this.listener.changed();
  }

  /** Nobody looks any more. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  async #send(saying: OutgoingMessage): Promise<Direct | undefined> {
    if (saying.kind === "private") {
      return await this.connection.direct(saying.to, { message: saying.text, format: TYPED });
    }
    this.listener.acked(saying, await this.connection.send(contentOf(saying)));
    return undefined;
  }

  #failed(saying: OutgoingMessage, error: unknown): void {
    if (!(error instanceof RequestError || error instanceof ConnectError)) throw error;
    // The end of the conversation is told where it is noticed, not once for every message.
    if (error instanceof ConnectError && this.connection.state === "closed") {
      this.undeliveredCount++;
      this.listener.undelivered(saying);
    } else this.listener.refused(saying, error);
  }
}

/** A message as it travels. */
export function contentOf({ room, text, how }: OutgoingRoomMessage): RoomContent {
  return { room, message: text, format: TYPED, ...how === undefined ? {} : { kind: how } };
}

/** How much of what a hub allows a message would take. */
export interface Size {
  readonly bytes: number;
  readonly limit: number;
  readonly over: boolean;
}

const encoder = new TextEncoder();

/** The size of a message as it travels, once that is near the limit; `undefined` below. */
export function sizeNearLimit(
  saying: OutgoingMessage,
  limits: Limits | undefined,
): Size | undefined {
  if (limits === undefined) return undefined;
  const limit = limits.maxMessageBytes;
  // A character takes six bytes at most, as an escape sequence of JSON.
  if (saying.text.length * 6 + 512 < limit * NEAR) return undefined;
  const { kind, text: message } = saying;
  const ref = "r".repeat(REF_LENGTH);
  const frame = kind === "room"
    ? { type: "message", room: saying.room, ref, kind: saying.how, format: TYPED, message }
    : { type: "direct", to: saying.to, message, format: TYPED, ref };
  const bytes = encoder.encode(JSON.stringify(frame)).length;
  return bytes < limit * NEAR ? undefined : { bytes, limit, over: bytes > limit };
}

/** Enough of a text for a row. */
function cut(text: string): string {
  return text.length > 300 ? text.slice(0, 300) : text;
}
