import { delay } from "../../lib/async.ts";
import type { Clock } from "../../client.ts";
import type { Message } from "../../protocol.ts";
import type { CommandResult } from "./child.ts";
import type { FollowEvent, ReceivedMessage } from "./follow.ts";

/** What to do after a failed command: stop, skip the message, or retry it. */
export const ON_ERROR = ["stop", "skip", "retry"] as const;

/** Milliseconds before the first retry of a failed command; doubles each time. */
const FIRST_RETRY = 1000;

/** The longest delay between two tries, in milliseconds. */
const MAX_RETRY = 60_000;

/** Messages completed behind one slow command: bounds the memory that they take. */
const MAX_AHEAD = 1024;

/** A message whose command failed, with no retries left. */
export interface FailedMessage extends ReceivedMessage {
  /** How the last try ended. */
  readonly reason: string;
  readonly tries: number;
}

export interface ExecuteOptions {
  readonly events: AsyncIterable<FollowEvent>;
  /** Runs the command; rejects when it could not run for any message. */
  readonly run: (received: ReceivedMessage) => Promise<CommandResult>;
  /** Commands that may run at once. */
  readonly parallel: number;
  readonly onError: typeof ON_ERROR[number];
  /** Retries of a failed command, with `retry`. */
  readonly retries: number;
  /** Keeps a message that failed for good, so that execution can continue. */
  readonly keepFailed?: ((failed: FailedMessage) => Promise<void>) | undefined;
  readonly isIgnored?: (message: Message) => boolean;
  /** Messages after which to end; 0 for no limit. */
  readonly count: number;
  /** Called for each event once it and all before it are done, in order. */
  readonly onDone: (event: FollowEvent) => void;
  /** Writes a line for the user. */
  readonly say: (line: string) => void;
  /** Ends `events`. */
  readonly stop: () => void;
  /** Aborted after `stop()`: running commands finish, no other starts. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/** Runs a command for each message. Returns `false` if a failed command ended it. */
export async function execute(options: ExecuteOptions): Promise<boolean> {
  const { events, parallel, count, signal } = options;
  const tracker = new CompletionTracker(options.onDone);
  const running = new Set<Promise<void>>();
  let stopped = false;
  let failure: { readonly error: unknown } | undefined;
  const stop = (): void => {
    stopped = true;
    options.stop();
  };
  let started = 0;
  try {
    for await (const event of events) {
      if (signal.aborted) break;
      const done = tracker.begin(event);
      const { message, epoch } = event;
      if (message === undefined || options.isIgnored?.(message) === true) {
        done();
        continue;
      }
      const task: Promise<void> = runUntilDone({ message, epoch }, options, stop).then((isDone) => {
        if (isDone) done();
      }, (error) => {
        failure ??= { error };
        stop();
      }).finally(() => running.delete(task));
      running.add(task);
      while (running.size >= parallel || tracker.size >= MAX_AHEAD && running.size > 0) {
        await Promise.race(running);
      }
      if (++started === count) break;
    }
  } finally {
    // Even if `events` fails: no command outlives its program.
    await Promise.all(running);
  }
  if (failure !== undefined) throw failure.error;
  return !stopped;
}

/** Runs the command, with retries. Returns whether the message is done. */
async function runUntilDone(
  received: ReceivedMessage,
  options: ExecuteOptions,
  stop: () => void,
): Promise<boolean> {
  const { run, onError, keepFailed, say, signal, clock } = options;
  const { id, room } = received.message;
  const retries = onError === "retry" ? options.retries : 0;
  let retryIn = FIRST_RETRY;
  for (let tries = 1;; tries++) {
    const { ok, description } = await run(received);
    if (ok) return true;
    // The interruption ended the command, too: not a failure, but not done either.
    if (signal.aborted) return false;
    const attempt = tries === 1 ? "" : ` at try ${tries}`;
    const problem = `The command for message ${id} of ${room} ${description}${attempt}`;
    if (tries <= retries) {
      say(`${problem}; retrying in ${retryIn / 1000} s`);
      await delay(retryIn, { clock, signal });
      if (signal.aborted) return false;
      retryIn = Math.min(2 * retryIn, MAX_RETRY);
    } else if (keepFailed !== undefined) {
      await keepFailed({ ...received, reason: description, tries });
      say(`${problem}; saved to the --failed file, continuing with the next`);
      return true;
    } else if (onError === "skip") {
      say(`${problem}; continuing with the next`);
      return true;
    } else {
      say(`${problem}. With --cursor, the next run starts with this message`);
      stop();
      return false;
    }
  }
}

/** Reports items in the order in which they began, though they complete in any order. */
export class CompletionTracker<T> {
  #open: { readonly item: T; done: boolean }[] = [];

  /** @param onDone called for each item once it and all before it are done. */
  constructor(private readonly onDone: (item: T) => void) {}

  /** Items begun but not yet reported. */
  get size(): number {
    return this.#open.length;
  }

  /** Adds an item. Call the returned function when it is done. */
  begin(item: T): () => void {
    const entry = { item, done: false };
    this.#open.push(entry);
    return () => {
      entry.done = true;
      if (this.#open[0]?.done !== true) return;
      const end = this.#open.findIndex(({ done }) => !done);
      for (const { item } of this.#open.splice(0, end === -1 ? this.#open.length : end)) {
        this.onDone(item);
      }
    };
  }
}
