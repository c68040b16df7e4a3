import type { Ack, HubFrame } from "../protocol.ts";
import type { ClientRequest } from "./request.ts";
import type { OutgoingMessage } from "./types.ts";

/** A message on its way into the hub's log. */
export class MessageRequest implements ClientRequest {
  readonly kind = "message";
  retries = 0;
  number = 0;
  /** Settles when the hub has the message in its log, or has refused it. */
  readonly acked: Promise<Ack>;
  readonly #resolve: (ack: Ack) => void;
  readonly #reject: (error: Error) => void;
  readonly #body: string;
  #room: string | undefined;
  #text: string | undefined;

  /**
   * @param defaultRoom where a message goes that names no room: asked once, so that every repeat
   * goes to the same place.
   * @throws {TypeError} when `data` cannot be written as JSON.
   */
  constructor(
    readonly key: string,
    { room, message, data, kind, format, via }: OutgoingMessage,
    private readonly defaultRoom: () => string | undefined,
  ) {
    this.#room = room;
    // Encoded now: what the caller does to `data` afterwards is not part of the message.
    this.#body = JSON.stringify({ kind, format, via, message, data });
    ({ promise: this.acked, resolve: this.#resolve, reject: this.#reject } = Promise
      .withResolvers<Ack>());
  }

  get room(): string | undefined {
    return this.#room;
  }

  text(): string {
    if (this.#text !== undefined) return this.#text;
    this.#room ??= this.defaultRoom();
    const head = JSON.stringify({ type: "message", room: this.#room, ref: this.key });
    // Two objects become one: `{…head}` and `{…body}`, which may be empty.
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
