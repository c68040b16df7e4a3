import { type ClientConnection, ConnectError, RequestError } from "../../client/types.ts";
import type { OutgoingItem, Sendable } from "./items.ts";

/**
 * Messages that are read ahead of their acks: some times what a conversation has on its way at once,
 * so that it never waits for the input, and few enough for endless input.
 */
export const MAX_OPEN = 1024;

/** UTF-16 units of text in them: long messages are read ahead less far. */
export const MAX_OPEN_LENGTH = 8 * 1024 * 1024;

/** How far the sending has come. */
export interface SendCounts {
  /** Messages read and given to the conversation. */
  sent: number;
  acked: number;
  /** Lines that are no message, or that the hub refused. */
  refused: number;
}

/** How the sending ended. */
export interface SendResult extends Readonly<SendCounts> {
  /** The numbers of those that were neither acked nor refused when the conversation ended. */
  readonly unacked: readonly number[];
  /** Why the conversation ended before everything was sent. */
  readonly error: ConnectError | undefined;
}

/** What sending takes. */
export interface SendOptions<T> {
  readonly conversation: ClientConnection;
  readonly items: AsyncIterable<OutgoingItem>;
  /** Sends one; resolves when the hub has it. */
  readonly deliver: (content: Sendable) => Promise<T>;
  /** Told of every line that will not be sent, and why. */
  readonly onRefused: (number: number, why: string) => void;
  /** What it means that the hub refused one; default: what the hub says. */
  readonly meaning?: (error: RequestError) => string;
  /** Given what the hub answered. */
  readonly onAcked?: (answer: T) => void;
  /** Kept up to date, for whoever shows it. */
  readonly counts: SendCounts;
}

/**
 * Sends all items in their order, and waits until each is acked or refused. Reads on only while few
 * are under way. Ends early when the conversation does.
 */
export async function sendAll<T>(options: SendOptions<T>): Promise<SendResult> {
  const { conversation, counts } = options;
  const open = new Map<number, number>();
  let openLength = 0;
  let error: ConnectError | undefined;
  let fault: unknown;
  let failed = false;
  const unacked: number[] = [];

  let most = 0;
  let wake: (() => void) | undefined;
  /** Waits until no more than `count` are under way. */
  const until = async (count: number): Promise<void> => {
    most = count;
    while (open.size > count) {
      await new Promise<void>((resolve) => wake = resolve);
    }
  };
  const settled = (number: number): void => {
    openLength -= open.get(number) ?? 0;
    open.delete(number);
    if (open.size <= most) wake?.();
  };
  const refuse = (number: number, why: string): void => {
    counts.refused++;
    options.onRefused(number, why);
  };
  const fail = (number: number, reason: unknown): void => {
    if (reason instanceof RequestError) {
      refuse(number, options.meaning?.(reason) ?? reason.message);
    } else if (reason instanceof ConnectError && conversation.state !== "closed") {
      // One of its connections ended, and took this message with it.
      refuse(number, reason.message);
    } else {
      failed = true;
      unacked.push(number);
      if (reason instanceof ConnectError) error ??= reason;
      else fault ??= reason;
    }
    settled(number);
  };

  for await (const item of options.items) {
    if ("problem" in item) {
      refuse(item.number, item.problem);
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
    // Until half is done rather than one: then as many are read at once.
    if (open.size >= MAX_OPEN || openLength > MAX_OPEN_LENGTH) await until(open.size >> 1);
    if (failed) break;
  }
  await until(0);
  if (fault !== undefined) throw fault;
  return { ...counts, unacked, error };
}
