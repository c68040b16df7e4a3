import type { Place } from "../chat/commands.ts";
import { type ClientConnection, ConnectError, RequestError } from "../client/types.ts";
import type { Cancel, Clock } from "../lib/clock.ts";
import type { Ack, Content, Direct, Message, MessageKind, SenderAnnotations } from "../protocol.ts";

/** Milliseconds after which an unacknowledged message is shown; earlier, it would only flicker. */
const SHOWN_AFTER_MS = 100;
/** Milliseconds after which a private message waits for its receiver rather than for the hub. */
const HELD_AFTER_MS = 2000;
/** Characters of a message in the status. */
const MAX_SHOWN = 300;
/** People type light Markdown in a chat, unlike programs. */
const FORMAT = "markdown";

/** A message that the user has typed. */
export interface TypedMessage {
  readonly place: Exclude<Place, { kind: "home" }>;
  readonly text: string;
  readonly kind?: MessageKind | undefined;
}

/** The content of a message in a room. */
export type RoomContent = Content & SenderAnnotations & Pick<Message, "kind">;

/** The fate of messages. */
export interface UnsentListener {
  /** The status is to be shown anew. */
  changed(): void;
  /** A private message was delivered. */
  delivered(direct: Direct): void;
  /** The hub has a message of a room. It also sends it back, unless it was asked not to. */
  acked(room: string, content: RoomContent, ack: Ack): void;
  /** The hub refused it, or, with a {@linkcode ConnectError}, may not have received it. */
  refused(message: TypedMessage, error: RequestError | ConnectError): void;
  /** The session ended first. */
  undelivered(message: TypedMessage): void;
}

interface Waiting {
  readonly message: TypedMessage;
  readonly since: number;
}

/** Messages that the hub has not acknowledged. */
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

  /**
   * One line for each waiting message, oldest first.
   *
   * @param current the title of the shown window, which needs no mention.
   */
  describe(current: string): readonly string[] {
    const online = this.connection.state === "online";
    const due = this.clock.now() - SHOWN_AFTER_MS;
    return Array.from(this.#waiting).filter(({ since }) => !online || since <= due)
      .map((waiting) => {
        const { place, text } = waiting.message;
        const title = place.kind === "room" ? place.room : `@${place.name}`;
        const where = title === current ? "" : `${title}: `;
        const state = online ? this.#stateOf(waiting) : "waiting for the hub";
        return `${where}${text.slice(0, MAX_SHOWN)} (${state})`;
      });
  }

  #stateOf({ message: { place }, since }: Waiting): string {
    // After an outage, the hub also holds a private message until its receiver is back.
    const isHeld = place.kind === "private" && this.clock.now() - since >= HELD_AFTER_MS;
    return isHeld ? `waiting for ${place.name}` : "sending";
  }

  /** Sends a message; the listener is told what becomes of it. */
  send(message: TypedMessage): void {
    const waiting: Waiting = { message, since: this.clock.now() };
    this.#waiting.add(waiting);
    void this.#send(message).catch((error: unknown) => this.#failed(message, error)).finally(() => {
      this.#waiting.delete(waiting);
      this.listener.changed();
    });
    this.#cancel ??= this.clock.after(SHOWN_AFTER_MS, () => {
      this.#cancel = undefined;
      this.listener.changed();
    });
    this.listener.changed();
  }

  /** Stops the timer. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  async #send({ place, text: message, kind }: TypedMessage): Promise<void> {
    const content = { message, format: FORMAT } as const;
    if (place.kind === "private") {
      return this.listener.delivered(await this.connection.direct(place.name, content));
    }
    const { room } = place;
    const sent = kind === undefined ? content : { ...content, kind };
    this.listener.acked(room, sent, await this.connection.send({ room, ...sent }));
  }

  #failed(message: TypedMessage, error: unknown): void {
    if (!(error instanceof RequestError || error instanceof ConnectError)) throw error;
    // The end of the session is told once, not for every message.
    if (error instanceof ConnectError && this.connection.state === "closed") {
      this.undeliveredCount++;
      this.listener.undelivered(message);
    } else this.listener.refused(message, error);
  }
}
