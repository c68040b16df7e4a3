import { assertEquals } from "@std/assert";
import type { ClientConnection, ClientEvent } from "../../client.ts";
import { within } from "./wait.ts";

type Of<T extends ClientEvent["type"]> = Extract<ClientEvent, { readonly type: T }>;

/** Reads the events of a connection one by one. */
export class EventLog {
  readonly #iterator: AsyncIterator<ClientEvent, undefined>;

  constructor(connection: ClientConnection) {
    this.#iterator = connection[Symbol.asyncIterator]() as AsyncIterator<ClientEvent, undefined>;
  }

  /** The next event, which must be of this type. */
  async expect<T extends ClientEvent["type"]>(type: T): Promise<Of<T>> {
    const event = await this.next(`"${type}" event`);
    assertEquals(event.type, type);
    return event as Of<T>;
  }

  /** The next event of this type; skips others. */
  async until<T extends ClientEvent["type"]>(type: T): Promise<Of<T>> {
    for (;;) {
      const event = await this.next(`"${type}" event`);
      if (event.type === type) return event as Of<T>;
    }
  }

  /** The ids of the next `count` messages. */
  async ids(count: number): Promise<number[]> {
    const ids: number[] = [];
    while (ids.length < count) ids.push((await this.until("message")).id);
    return ids;
  }

  /** The types of all events until the end; throws the error that ends the connection. */
  async rest(): Promise<string[]> {
    const types: string[] = [];
    for (;;) {
      const result = await within(this.#iterator.next(), "the end of the events");
      if (result.done) return types;
      types.push(result.value.type);
    }
  }

  /** The next event. @param what names it in the error if none comes. */
  async next(what = "another event"): Promise<ClientEvent> {
    const result = await within(this.#iterator.next(), what);
    if (result.done) throw new Error(`The connection ended before ${what}`);
    return result.value;
  }
}
