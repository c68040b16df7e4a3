import { CliError } from "../cli/errors.ts";
import { visible } from "../protocol.ts";
import { safeJson } from "../cli/text.ts";
import type { Message } from "../protocol.ts";

/** How a command ended. */
export interface Ending {
  readonly ok: boolean;
  /** In words, to go on after the command's name: "ended with exit code 3". */
  readonly how: string;
}

/** A message with the life of its room's numbering. */
export interface Said {
  readonly message: Message;
  readonly epoch: string;
}

/**
 * Bytes of a value in the environment: Linux takes 128 KiB for each, name and all, and shares a few
 * MiB, or less, among all of them and the arguments.
 */
const MAX_VALUE_BYTES = 64 * 1024;

/** Runs one command line again and again, each time for one message. */
export class ChildRunner {
  readonly #running = new Set<Deno.ChildProcess>();

  /** @param json whether a command is given the whole message as JSON, rather than its text. */
  constructor(
    private readonly command: string,
    private readonly args: readonly string[],
    private readonly json: boolean,
  ) {}

  /**
   * Runs the command for a message. Rejects when there is nothing to run.
   *
   * @throws {CliError} when there is no such command.
   */
  async run(said: Said): Promise<Ending> {
    const child = this.#spawn(said);
    this.#running.add(child);
    try {
      const [{ success, code, signal }] = await Promise.all([
        child.status,
        feed(child, this.json ? safeJson(said.message) : textOf(said.message)),
      ]);
      const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
      return { ok: success, how };
    } finally {
      this.#running.delete(child);
    }
  }

  /** Ends what runs, whether it wants to or not. */
  kill(): void {
    for (const child of this.#running) child.kill("SIGKILL");
  }

  #spawn(said: Said): Deno.ChildProcess {
    try {
      return new Deno.Command(this.command, {
        args: [...this.args],
        // What lets us in is nobody else's: for an empty variable there is no token.
        env: { ...environmentOf(said), BCAST_TOKEN: "" },
        stdin: "piped",
        stdout: "inherit",
        stderr: "inherit",
      }).spawn();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const why = error instanceof Deno.errors.NotFound
        ? "there is no such command, or no such folder"
        : error instanceof Deno.errors.PermissionDenied
        ? "it may not be executed"
        : error.message;
      throw new CliError(`Cannot run ${visible(this.command)}: ${why}`, undefined, {
        cause: error,
      });
    }
  }
}

/** What a message is in the environment of a command. What cannot stand there is left out. */
export function environmentOf({ message, epoch }: Said): Record<string, string> {
  const { room, id, sender, timestamp, kind, data } = message;
  const values: Readonly<Record<string, string | undefined>> = {
    BCAST_ROOM: room,
    BCAST_MESSAGE_ID: String(id),
    BCAST_MESSAGE_SENDER: sender,
    BCAST_MESSAGE_TIMESTAMP: timestamp,
    BCAST_MESSAGE_KIND: kind,
    BCAST_MESSAGE_EPOCH: epoch,
    BCAST_MESSAGE_DATA: data === undefined ? undefined : JSON.stringify(data),
  };
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => fits(entry[1])),
  );
}

function fits(value: string | undefined): boolean {
  // No environment can hold a NUL character, in no system.
  return value !== undefined && !value.includes("\0") &&
    new TextEncoder().encode(value).length <= MAX_VALUE_BYTES;
}

/** The text of a message; its data, as JSON, where it has no text. */
function textOf({ message, data }: Message): string {
  return message ?? JSON.stringify(data) ?? "";
}

async function feed(child: Deno.ChildProcess, text: string): Promise<void> {
  try {
    await ReadableStream.from([new TextEncoder().encode(text + "\n")]).pipeTo(child.stdin);
  } catch (error) {
    // A command need not read what it is given.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
