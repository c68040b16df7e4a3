import type { Message } from "../../protocol.ts";

/** A message as a client received it. */
export type Seen = Pick<Message, "id" | "sender" | "message">;

/** The results of a run. */
export interface Evidence {
  /** The final log, oldest message first. */
  readonly log: readonly Seen[];
  /** Every acked message, with the id of its ack. */
  readonly acked: readonly { readonly id: number; readonly message: string }[];
  /** The messages of each subscriber, in the order of arrival. */
  readonly subscribers: readonly {
    readonly name: string;
    readonly seen: readonly Seen[];
    /** How often the hub could not resume where the subscriber had stopped. */
    readonly unrecovered: number;
  }[];
}

/** Compares the acks with the log and with every subscriber; describes each violation. */
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
    if (number < before) yield `${sender}'s ${number} comes after its ${before}`;
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
