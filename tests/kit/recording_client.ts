import { type ClientConnection, connect } from "../../client.ts";
import type { Server } from "../../server.ts";

/** Connects to a room without reading any events. */
export function connectAs(hub: Server, sender: string, room = "lobby"): ClientConnection {
  return connect({ url: hub.url, sender, rooms: [{ room, recent: 0 }], echo: false });
}

export interface RecordingClientOptions {
  readonly rooms?: readonly string[];
  readonly token?: string;
  /** Whether the test makes the hub disconnect it, so that its events end with an error. */
  readonly mayBeDisconnected?: boolean;
}

/** A client of the library that records the messages and presence changes it receives. */
export class RecordingClient implements AsyncDisposable {
  /** The texts of all messages, and of private ones alone. */
  readonly texts: string[] = [];
  readonly directTexts: string[] = [];
  /** Messages, joins and leaves of others: `Alice: hi`, `+Alice`, `-Alice`. */
  readonly events: string[] = [];
  readonly connection: ClientConnection;
  readonly #reading: Promise<void>;

  constructor(
    hub: Server,
    readonly sender: string,
    { rooms = ["lobby"], token, mayBeDisconnected = false }: RecordingClientOptions = {},
  ) {
    this.connection = connect({
      url: hub.url,
      sender,
      rooms: rooms.map((room) => ({ room, recent: 0 })),
      ...(token === undefined ? {} : { token }),
    });
    this.#reading = this.#read();
    if (mayBeDisconnected) this.#reading = this.#reading.catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close();
    await this.#reading;
  }

  async #read(): Promise<void> {
    for await (const event of this.connection) {
      if (event.type === "message" || event.type === "direct") {
        this.texts.push(event.message ?? "");
        if (event.type === "direct") this.directTexts.push(event.message ?? "");
        this.events.push(`${event.sender}: ${event.message}`);
      } else if (event.type === "presence") {
        const joined = (event.joined ?? []).filter((name) => name !== this.sender);
        this.events.push(...joined.map((name) => `+${name}`));
        this.events.push(...(event.left ?? []).map((name) => `-${name}`));
      }
    }
  }
}
