import type { Message } from "../../protocol.ts";

/** One message as somebody saw it. */
export type Seen = Pick<Message, "id" | "sender" | "message">;

/** What a run left behind. */
export interface Evidence {
  /** The log as it is in the end, oldest first. */
  readonly log: readonly Seen[];
  /** What each publisher was promised: the text that was acked, and under which id. */
  readonly acked: readonly { readonly id: number; readonly message: string }[];
  /** What each subscriber saw, in the order it saw it. */
  readonly subscribers: readonly {
    readonly name: string;
    readonly seen: readonly Seen[];
    /** How often the hub said that it could not go on where the subscriber had stopped. */
    readonly unrecovered: number;
  }[];
}

/** Compares what was acked with what is kept and with what everybody saw; each violation in words. */
export function violations(record: Evidence): string[] {
  return [...logViolations(record.log), ...ackViolations(record), ...viewViolations(record)];
}

function* logViolations(log: readonly Seen[]): Generator<string> {
  const texts = new Map<string, number>();
  const latest = new Map<string, number>();
  let expected = 1;
  for (const { id, sender, message = "" } of log) {
    if (id !== expected) yield `the log goes from ${expected - 1} to ${id}`;
    expected = id + 1;
    const first = texts.get(message);
    if (first !== undefined) yield `${message} is in the log twice: ${first} and ${id}`;
    texts.set(message, id);
    const number = Number(message.split(":")[1]);
    const before = latest.get(sender) ?? 0;
    if (number < before) yield `${sender}'s ${number} stands after its ${before}`;
    latest.set(sender, number);
  }
}

function* ackViolations({ log, acked }: Evidence): Generator<string> {
  const byId = new Map(log.map((message) => [message.id, message]));
  for (const { id, message } of acked) {
    const kept = byId.get(id)?.message;
    if (kept !== message) yield `${message} was acked as ${id}, where the log has ${kept}`;
  }
}

function* viewViolations({ log, subscribers }: Evidence): Generator<string> {
  const byId = new Map(log.map((message) => [message.id, message]));
  const last = log.at(-1)?.id ?? 0;
  for (const { name, seen, unrecovered } of subscribers) {
    if (unrecovered > 0) yield `${name} was not recovered ${unrecovered} times`;
    let before = (seen[0]?.id ?? 1) - 1;
    for (const { id, message, sender } of seen) {
      if (id !== before + 1) yield `${name} saw ${id} after ${before}`;
      const kept = byId.get(id);
      if (kept?.message !== message || kept?.sender !== sender) {
        yield `${name} saw ${message} as ${id}, where the log has ${kept?.message}`;
      }
      before = id;
    }
    if (before !== last) yield `${name} saw up to ${before}, and the log goes to ${last}`;
  }
}
