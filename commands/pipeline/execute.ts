import { delay } from "../../lib/async.ts";
import type { Clock } from "../../client.ts";
import type { Message } from "../../protocol.ts";
import type { Ending } from "./child.ts";
import type { CommandMessage } from "./child_environment.ts";
import type { FollowEvent } from "./follow.ts";
import { CompletionTracker } from "./completion_tracker.ts";

/** What is done about a command that fails: end, go on with the next message, or try again. */
export const ON_ERROR = ["stop", "skip", "retry"] as const;

/** Milliseconds before a failed command is tried again; twice as long each time. */
const FIRST_RETRY = 1000;

/** Milliseconds between two tries at most. */
const MAX_RETRY = 60_000;

/** Messages done behind one that is not: bounds what one slow command makes the others remember. */
const MAX_AHEAD = 1024;

/** A message whose command failed for good. */
export interface Failed extends CommandMessage {
  /** How it ended the last time. */
  readonly reason: string;
  readonly tries: number;
}

/** What running a command for each message takes. */
export interface ExecuteOptions {
  readonly steps: AsyncIterable<FollowEvent>;
  /** Runs the command; rejects when that makes no sense for any message. */
  readonly run: (said: CommandMessage) => Promise<Ending>;
  /** Commands that run at once at most. */
  readonly parallel: number;
  readonly onError: typeof ON_ERROR[number];
  /** How often a failed command is run again at most, with `retry`. */
  readonly retries: number;
  /** Keeps a message whose command failed for good; absent: that ends with an error, or is skipped. */
  readonly keepFailed?: (failed: Failed) => Promise<void>;
  /** Whether a message is none of the command's business; default: none is. */
  readonly ignores?: (message: Message) => boolean;
  /** Messages after which to end; 0 for never. */
  readonly count: number;
  /** Told of each step once it and all before it are done. */
  readonly onDone: (step: FollowEvent) => void;
  /** Writes a line for the person who started the program. */
  readonly say: (line: string) => void;
  /** Ends the steps. */
  readonly stop: () => void;
  /** Aborted when the steps were ended: what runs ends by itself, nothing new begins. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/** Runs a command for each message. Returns whether none made it stop. */
export async function execute(options: ExecuteOptions): Promise<boolean> {
  const { steps, parallel, count, signal } = options;
  const ledger = new CompletionTracker(options.onDone);
  const running = new Set<Promise<void>>();
  let stopped = false;
  let fault: { readonly error: unknown } | undefined;
  const stop = (): void => {
    stopped = true;
    options.stop();
  };
  let begun = 0;
  try {
    for await (const step of steps) {
      if (signal.aborted) break;
      const done = ledger.begin(step);
      const { message, epoch } = step;
      if (message === undefined || options.ignores?.(message) === true) {
        done();
        continue;
      }
      const one: Promise<void> = attempt({ message, epoch }, options, stop).then((success) => {
        if (success) done();
      }, (error) => {
        fault ??= { error };
        stop();
      }).finally(() => running.delete(one));
      running.add(one);
      while (running.size >= parallel || ledger.size >= MAX_AHEAD && running.size > 0) {
        await Promise.race(running);
      }
      if (++begun === count) break;
    }
  } finally {
    // Also where following the rooms has failed: no command outlives its program.
    await Promise.all(running);
  }
  if (fault !== undefined) throw fault.error;
  return !stopped;
}

/** Runs the command until it is clear what becomes of the message: whether it is done with. */
async function attempt(
  said: CommandMessage,
  options: ExecuteOptions,
  stop: () => void,
): Promise<boolean> {
  const { run, onError, keepFailed, say, signal, clock } = options;
  const { id, room } = said.message;
  const retries = onError === "retry" ? options.retries : 0;
  let retryIn = FIRST_RETRY;
  for (let tries = 1;; tries++) {
    const { ok, how } = await run(said);
    if (ok) return true;
    // Interrupted, it and its command alike: no failure, but not done either.
    if (signal.aborted) return false;
    const again = tries === 1 ? "" : ` at try ${tries}`;
    const what = `The command for message ${id} of ${room} ${how}${again}`;
    if (tries <= retries) {
      say(`${what}; trying again in ${retryIn / 1000} s`);
      await delay(retryIn, { clock, signal });
      if (signal.aborted) return false;
      retryIn = Math.min(2 * retryIn, MAX_RETRY);
    } else if (keepFailed !== undefined) {
      await keepFailed({ ...said, reason: how, tries });
      say(`${what}; kept with the failed ones, going on with the next`);
      return true;
    } else if (onError === "skip") {
      say(`${what}; going on with the next`);
      return true;
    } else {
      say(`${what}. With --cursor, the next run begins with this message`);
      stop();
      return false;
    }
  }
}
