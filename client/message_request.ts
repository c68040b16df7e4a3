import type { Ack, HubFrame } from "../protocol.ts";
import { type ClientRequest, messageFields } from "./request.ts";
import type { OutgoingMessage } from "./types.ts";

/** A request to store and broadcast a message. */
export class MessageRequest implements ClientRequest {
  readonly kind = "message";
  retries = 0;
  number = 0;
  inDoubt = false;
  /** Settles when the hub has stored or refused the message. */
  readonly acked: Promise<Ack>;
  readonly #resolve: (ack: Ack) => void;
  readonly #reject: (error: Error) => void;
  readonly #body: string;
  #room: string | undefined;
  #text: string | undefined;

  /**
   * @param key makes a repeat safe.
   * @param defaultRoom the room of a message without one; called once, so that every repeat goes to
   * the same room.
   * @throws {TypeError} when `data` is not valid JSON.
   */
  constructor(
    readonly ref: number,
    private readonly key: string,
    message: OutgoingMessage,
    private readonly defaultRoom: () => string | undefined,
  ) {
    this.#room = message.room;
    // Encoded now, so that later changes to `data` have no effect.
    this.#body = JSON.stringify(messageFields(message));
    ({ promise: this.acked, resolve: this.#resolve, reject: this.#reject } = Promise
      .withResolvers<Ack>());
  }

  get room(): string | undefined {
    return this.#room;
  }

  text(): string {
    if (this.#text !== undefined) return this.#text;
    this.#room ??= this.defaultRoom();
    const { ref, key } = this;
    const head = JSON.stringify({ type: "message", room: this.#room, ref, key });
    // Joins two JSON objects: `{…head}` and `{…body}`, which may be empty.
    const joint = this.#body === "{}" ? "" : ",";
    return this.#text = `${head.slice(0, -1)}${joint}${this.#body.slice(1)}`;
  }

  answer(frame: HubFrame): boolean {
    if (frame.type !== "ack") return false;
    this.#resolve(frame);
    return true;
  }

  fail(error: Error): void {
    this.#reject(error);
  }
}
