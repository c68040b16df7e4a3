import type { Server } from "../../server.ts";
import { httpUrl } from "./http.ts";
import { until } from "./wait.ts";

/** One block of a stream. */
export interface SseBlock {
  readonly event?: string;
  readonly id?: string;
  readonly data?: string;
  readonly retry?: string;
  /** The text of a comment. */
  readonly comment?: string;
}

/** Reads Server-Sent Events and keeps them. */
export class SseReader implements AsyncDisposable {
  readonly blocks: SseBlock[] = [];
  /** How the stream ended; `undefined` while it is open. */
  end: "closed" | "broken" | undefined;
  #position: string | undefined;
  readonly #abort = new AbortController();
  #reading: Promise<void> = Promise.resolve();

  private constructor(readonly response: Response) {}

  /** Requests the stream of a room; does not throw when the hub rejects the request. */
  static open(
    hub: Server,
    room: string,
    query = "",
    headers: Record<string, string> = {},
  ): Promise<SseReader> {
    return SseReader.#request(httpUrl(hub, `/api/rooms/${room}/events${query}`), headers);
  }

  /** Requests the stream of several rooms. */
  static openRooms(
    hub: Server,
    rooms: readonly string[],
    query = "",
    headers: Record<string, string> = {},
  ): Promise<SseReader> {
    const names = rooms.map((room) => `room=${room}`).join("&");
    return SseReader.#request(httpUrl(hub, `/api/events?${names}${query}`), headers);
  }

  static async #request(url: string, headers: Record<string, string>): Promise<SseReader> {
    const abort = new AbortController();
    const response = await fetch(url, { headers, signal: abort.signal });
    const reader = new SseReader(response);
    abort.signal.throwIfAborted();
    reader.#abort.signal.addEventListener("abort", () => abort.abort());
    reader.#reading = reader.#read();
    return reader;
  }

  /** The id with which a browser would resume. */
  get position(): string | undefined {
    return this.#position;
  }

  /** The messages received so far, as `[id, message]`. */
  get messages(): readonly (readonly [number, string])[] {
    return this.blocks.filter(({ event }) => event === "message").map(({ data }) => {
      const { id, message } = JSON.parse(data ?? "");
      return [id, message] as const;
    });
  }

  /** The ids of the messages received so far, by room. */
  get idsByRoom(): Readonly<Record<string, readonly number[]>> {
    const ids: Record<string, number[]> = {};
    for (const { event, data } of this.blocks) {
      if (event !== "message") continue;
      const { room, id } = JSON.parse(data ?? "");
      (ids[room] ??= []).push(id);
    }
    return ids;
  }

  /** Waits for a block that matches, among all so far. */
  next(what: string, match: (block: SseBlock) => boolean): Promise<SseBlock> {
    return until(what, () => this.blocks.find(match));
  }

  /** Waits for the message with this id. */
  async message(id: number): Promise<void> {
    await until(`message ${id}`, () => this.messages.some(([each]) => each === id));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#reading;
  }

  async #read(): Promise<void> {
    let text = "";
    try {
      const decoded = this.response.body?.pipeThrough(new TextDecoderStream());
      for await (const chunk of decoded ?? []) {
        const parts = (text + chunk).split("\n\n");
        text = parts.pop() ?? "";
        for (const part of parts) this.#take(part);
      }
      this.end = "closed";
    } catch {
      // Broken by either side; tests check `end`.
      this.end = "broken";
    }
  }

  #take(part: string): void {
    const fields: Record<string, string> = {};
    for (const line of part.split("\n")) {
      const [, name = "", value = ""] = /^([^:]*)(?:: ?([^]*))?$/.exec(line) ?? [];
      fields[name === "" ? "comment" : name] = value;
    }
    this.#position = fields["id"] ?? this.#position;
    this.blocks.push(fields);
  }
}
