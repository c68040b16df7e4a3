import { connect, type OutgoingMessage } from "../../client.ts";
import type { Folder } from "./folder.ts";
import { Program } from "./process.ts";

/** The room of the tests of `bcast listen`. */
export const LISTEN_ROOM = "dev";

/** Sends messages as Bob. */
export async function sendAsBob(
  url: string,
  ...messages: readonly OutgoingMessage[]
): Promise<void> {
  await using writer = connect({
    url,
    sender: "Bob",
    rooms: [{ room: LISTEN_ROOM, recent: 0 }, { room: "ops", recent: 0 }],
    echo: false,
  });
  await Promise.all(messages.map((message) => writer.send(message)));
}

/** Messages `#from` to `#to`. */
export const numberedMessages = (from: number, to: number): OutgoingMessage[] =>
  Array.from({ length: to - from + 1 }, (_, n) => ({ message: `#${from + n}` }));

/** The lines that `bcast listen` prints for `numberedMessages()`. */
export const numberedLines = (from: number, to: number): string[] =>
  numberedMessages(from, to).map(({ message = "" }) => message);

export interface ListenResult {
  readonly code: number;
  readonly lines: readonly string[];
  readonly errors: string;
}

/** Runs `bcast listen` until it exits, by default with `--format {message}`. */
export async function runListen(url: string, ...args: readonly string[]): Promise<ListenResult> {
  const format = args.some((arg) => /^--(?:json|format|text)/.test(arg))
    ? args.filter((arg) => arg !== "--text")
    : [...args, "--format", "{message}"];
  await using program = new Program(["listen", ...format], {
    BCAST_URL: url,
    BCAST_ROOM: LISTEN_ROOM,
  });
  const code = await program.exit();
  return { code, lines: program.lines, errors: program.errors };
}

/** The paths for `--cursor` and `--output` in a test folder. */
export function outputPaths({ path }: Folder) {
  return { cursor: `${path}/cursor`, output: `${path}/output` };
}
