import { assert, assertEquals, assertExists } from "@std/assert";
import type { Broker, MessageDraft, Origin, Receipt, Retention } from "../../../broker/broker.ts";
import type { Content, Message } from "../../../protocol.ts";

export interface OpenOptions {
  readonly retention?: Partial<Retention>;
  readonly now?: () => number;
}

/** A place where a broker keeps its log. */
export interface BrokerStore {
  /** Opens the log; after the last broker was disposed, with its content. */
  open(options?: OpenOptions): Promise<Broker>;
  /** Whether the log outlives the broker. */
  readonly persistent: boolean;
  /** Removes the log. */
  cleanup(): Promise<void>;
}

/** Creates an empty place. */
export type BrokerFactory = () => Promise<BrokerStore>;

/** Registers a test that gets an empty place. */
export type ContractTest = (what: string, test: (store: BrokerStore) => Promise<void>) => void;

/** A clock that only moves when a test sets it. */
export class ContractClock {
  time = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  readonly now = (): number => this.time;
}

/** A draft of `Alice`. */
export function draft(room: string, content: string | Content, origin?: Origin): MessageDraft {
  return {
    room,
    sender: "Alice",
    content: typeof content === "string" ? { message: content } : content,
    ...(origin === undefined ? {} : { origin }),
  };
}

/** `count` drafts with the texts `m1`, `m2` and so on. */
export function drafts(room: string, count: number): readonly MessageDraft[] {
  return Array.from({ length: count }, (_, index) => draft(room, `m${index + 1}`));
}

/** Appends and asserts that all messages were stored. */
export async function store(
  broker: Broker,
  batch: readonly MessageDraft[],
): Promise<readonly Message[]> {
  return (await broker.append(batch)).map((receipt) => {
    if (receipt.kind === "failed") throw receipt.error;
    assert(receipt.kind === "stored", `stored, not ${receipt.kind}`);
    return receipt.message;
  });
}

export function kinds(receipts: readonly Receipt[]): readonly Receipt["kind"][] {
  return receipts.map((receipt) => receipt.kind);
}

export function ids(messages: readonly Message[]): readonly number[] {
  return messages.map((message) => message.id);
}

/** All visible messages of a room. */
export function readAll(broker: Broker, room: string): Promise<readonly Message[]> {
  return broker.read(room, { limit: Number.MAX_SAFE_INTEGER });
}

/** The only element. */
export function only<T>(list: readonly T[]): T {
  assertEquals(list.length, 1);
  const [first] = list;
  assertExists(first);
  return first as T;
}
