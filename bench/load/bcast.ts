import { type Joined, splitBatch, SUBPROTOCOL } from "../../protocol.ts";
import { parseHubFrame } from "../../protocol/parse_hub.ts";
import type {
  LoadConversation,
  LoadGreeting,
  MessageTemplate,
  Ready,
  WireFormat,
} from "./wire_format.ts";
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

const BLANK_KEY = "000000000";

/** `bcast.v1`: one room, several objects per frame, each with a `key`, so that it is acknowledged. */
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
    // Unique: publishers may share an account, and so may several runs.
    const key = crypto.randomUUID().slice(0, 8) + BLANK_KEY;
    const text = JSON.stringify({ type: "message", room, key, message: payload });
    return {
      bytes: new TextEncoder().encode(text),
      stampAt: text.indexOf(payload),
      keyAt: text.indexOf(key) + key.length - BLANK_KEY.length,
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
        from === undefined ? { room, recent: 0 } : { room, epoch: from.epoch, after: from.after },
      ],
    });
  }

  greet(text: string): LoadGreeting {
    let ready: Ready | undefined;
    for (const object of splitBatch(text)) {
      const parsed = parseHubFrame(object);
      if (!parsed.ok) throw new RefusedError(parsed.error.message);
      const { frame } = parsed;
      if (frame.type === "error") throw new RefusedError(frame.message);
      if (frame.type === "welcome") this.#session = frame.session;
      else if (frame.type === "joined") ready = this.#joined(frame);
      else if (frame.type === "message" && ready !== undefined) ready = seen(ready, frame.id);
    }
    return ready === undefined ? {} : { ready };
  }

  #joined({ epoch, last, recovered, messages }: Joined): Ready {
    this.#epoch = epoch;
    if (this.#from === undefined) return { last };
    return messages.reduce<Ready>((ready, { id }) => seen(ready, id), {
      last: this.#from.after,
      recovered,
    });
  }

  scan(bytes: Uint8Array, start: number, end: number, sink: ObjectSink): undefined {
    this.#scanner.scan(bytes, start, end, sink);
  }

  resume(last: number): LoadConversation {
    const from = { session: this.#session, epoch: this.#epoch, after: last };
    return new BcastConversation(this.#options, this.#scanner, this.#name, from);
  }
}

/** Counts messages one by one, to detect gaps. */
function seen(ready: Ready, id: number): Ready {
  return id === ready.last + 1 ? { ...ready, last: id } : ready;
}
