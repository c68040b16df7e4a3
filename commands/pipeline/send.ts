import { type ClientConnection, ConnectError, RequestError } from "../../client/types.ts";
import type { OutgoingContent, OutgoingItem } from "./input.ts";

/**
 * Messages read ahead of their acks: several send windows, so that the connection never waits for
 * input, but a bounded number for endless input.
 */
export const MAX_OPEN = 1024;

/** UTF-16 units of text in them: fewer long messages are read ahead. */
export const MAX_OPEN_LENGTH = 8 * 1024 * 1024;

export interface SendCounts {
  /** Messages passed to the connection. */
  sent: number;
  acked: number;
  /** Lines that were not messages, or that the hub rejected. */
  rejected: number;
}

export interface SendResult extends Readonly<SendCounts> {
  /** Numbers of lines that were neither acked nor rejected when the connection ended. */
  readonly unacked: readonly number[];
  /** Why the connection ended before everything was sent. */
  readonly error: ConnectError | undefined;
}

export interface SendOptions<T> {
  readonly connection: ClientConnection;
  readonly items: AsyncIterable<OutgoingItem>;
  /** Sends one message; resolves with the hub's answer. */
  readonly deliver: (content: OutgoingContent) => Promise<T>;
  /** Called for every line that will not be sent. */
  readonly onRejected: (number: number, why: string) => void;
  /** Explains a rejection to the user; default: the hub's own message. */
  readonly describe?: (error: RequestError) => string;
  readonly onAcked?: ((answer: T) => void) | undefined;
  /** Updated during the sending, for a progress display. */
  readonly counts: SendCounts;
}

/**
 * Sends all items in order, and waits until each is acked or rejected. Bounds how many are in flight.
 * Ends early when the connection does.
 */
export async function sendAll<T>(options: SendOptions<T>): Promise<SendResult> {
  const { connection, counts } = options;
  const open = new Map<number, number>();
  let openLength = 0;
  let error: ConnectError | undefined;
  let unexpected: unknown;
  let failed = false;
  const unacked: number[] = [];

  let target = 0;
  let wake: (() => void) | undefined;
  /** Waits until at most `count` messages are in flight. */
  const drainTo = async (count: number): Promise<void> => {
    target = count;
    while (open.size > count) {
      await new Promise<void>((resolve) => wake = resolve);
    }
  };
  const settled = (number: number): void => {
    openLength -= open.get(number) ?? 0;
    open.delete(number);
    if (open.size <= target) wake?.();
  };
  const reject = (number: number, why: string): void => {
    counts.rejected++;
    options.onRejected(number, why);
  };
  const fail = (number: number, reason: unknown): void => {
    if (reason instanceof RequestError) {
      reject(number, options.describe?.(reason) ?? reason.message);
    } else if (reason instanceof ConnectError && connection.state !== "closed") {
      // Lost in a reconnect; the connection itself continues.
      reject(number, reason.message);
    } else {
      failed = true;
      unacked.push(number);
      if (reason instanceof ConnectError) error ??= reason;
      else unexpected ??= reason;
    }
    settled(number);
  };

  for await (const item of options.items) {
    if ("problem" in item) {
      reject(item.number, item.problem);
      continue;
    }
    const { number, content } = item;
    const length = content.message?.length ?? 0;
    open.set(number, length);
    openLength += length;
    counts.sent++;
    options.deliver(content).then((answer) => {
      counts.acked++;
      options.onAcked?.(answer);
      settled(number);
    }, (reason) => fail(number, reason));
    // Drains to half rather than by one, so that messages are read and sent in batches.
    if (open.size >= MAX_OPEN || openLength > MAX_OPEN_LENGTH) await drainTo(open.size >> 1);
    if (failed) break;
  }
  await drainTo(0);
  if (unexpected !== undefined) throw unexpected;
  return { ...counts, unacked, error };
}
