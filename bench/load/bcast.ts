import { SUBPROTOCOL } from "../../protocol.ts";
import { parseHubFrame } from "../../protocol/parse_hub.ts";
import type { LoadConversation, LoadGreeting, MessageTemplate, WireFormat } from "./wire_format.ts";
import type { HandshakeTarget } from "./handshake.ts";
import { BatchScanner, type ObjectSink } from "./scanner.ts";
import { blankPayload } from "./stamp.ts";

export interface BcastOptions {
  readonly room: string;
  readonly token?: string;
  /** The prefix of all client names. */
  readonly namePrefix?: string;
}

/** The hub rejected a client in its greeting. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
}

const BLANK_REF = "000000000";

/** `bcast.v1`: one room, several objects per frame, acknowledged by `ref`. */
export class BcastFormat implements WireFormat {
  readonly protocol = SUBPROTOCOL.v1;
  readonly sendsGreeting = true;
  readonly #options: BcastOptions;
  // Shared: all clients are in one room, whose messages have one layout.
  readonly #scanner = new BatchScanner();

  constructor(options: BcastOptions) {
    this.#options = options;
  }

  /** Messages whose id was not where it was expected; see {@linkcode BatchScanner}. */
  get parsedMessages(): number {
    return this.#scanner.parsedMessages;
  }

  target(address: HandshakeTarget): HandshakeTarget {
    return address;
  }

  conversation(index: number): LoadConversation {
    const name = `${this.#options.namePrefix ?? "load"}-${index}`;
    return new BcastConversation(this.#options, this.#scanner, name);
  }

  template(_index: number, size: number): MessageTemplate {
    const payload = blankPayload(size);
    const { room } = this.#options;
    const text = JSON.stringify({ type: "message", room, ref: BLANK_REF, message: payload });
    return {
      bytes: new TextEncoder().encode(text),
      stampAt: text.indexOf(payload),
      refAt: text.indexOf(BLANK_REF),
    };
  }
}

interface StreamPosition {
  readonly session: string;
  readonly epoch: string;
  readonly after: number;
}

class BcastConversation implements LoadConversation {
  readonly #options: BcastOptions;
  readonly #scanner: BatchScanner;
  readonly #name: string;
  readonly #from: StreamPosition | undefined;
  #session = "";
  #epoch = "";

  constructor(options: BcastOptions, scanner: BatchScanner, name: string, from?: StreamPosition) {
    this.#options = options;
    this.#scanner = scanner;
    this.#name = name;
    this.#from = from;
  }

  begin(): string {
    const { room, token } = this.#options;
    const from = this.#from;
    return JSON.stringify({
      type: "hello",
      sender: this.#name,
      ...(token === undefined ? {} : { token }),
      ...(from === undefined ? {} : { session: from.session }),
      rooms: [
        from === undefined ? { room, history: 0 } : { room, epoch: from.epoch, after: from.after },
      ],
    });
  }

  greet(text: string): LoadGreeting {
    const parsed = parseHubFrame(text);
    if (!parsed.ok) throw new RefusedError(parsed.error.message);
    const frame = parsed.frame;
    if (frame.type === "error") throw new RefusedError(frame.message);
    if (frame.type !== "welcome") return {};
    const joined = frame.rooms.find((entry) => entry.room === this.#options.room);
    if (joined === undefined) {
      throw new RefusedError(`the hub did not allow joining ${this.#options.room}`);
    }
    this.#session = frame.session;
    this.#epoch = joined.epoch;
    if (this.#from === undefined) return { ready: { last: joined.last, replayed: 0 } };
    // Counted one by one, to detect gaps.
    let last = this.#from.after;
    for (const message of joined.history) if (message.id === last + 1) last = message.id;
    return { ready: { last, replayed: joined.history.length, recovered: joined.recovered } };
  }

  scan(bytes: Uint8Array, start: number, end: number, sink: ObjectSink): undefined {
    this.#scanner.scan(bytes, start, end, sink);
  }

  resume(last: number): LoadConversation {
    const from = { session: this.#session, epoch: this.#epoch, after: last };
    return new BcastConversation(this.#options, this.#scanner, this.#name, from);
  }
}
