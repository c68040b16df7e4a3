import { connect, type OutgoingMessage } from "../../client.ts";
import type { Folder } from "./folder.ts";
import { Program } from "./process.ts";

/** The room in which the tests of `bcast listen` talk. */
export const LISTEN_ROOM = "dev";

/** Says something, as Bob. */
export async function sendAsBob(
  url: string,
  ...messages: readonly OutgoingMessage[]
): Promise<void> {
  await using writer = connect({
    url,
    sender: "Bob",
    rooms: [{ room: LISTEN_ROOM, history: 0 }, { room: "ops", history: 0 }],
    echo: false,
  });
  await Promise.all(messages.map((message) => writer.send(message)));
}

/** Messages `#from` to `#to`. */
export const numberedMessages = (from: number, to: number): OutgoingMessage[] =>
  Array.from({ length: to - from + 1 }, (_, n) => ({ message: `#${from + n}` }));

/** Their lines. */
export const numberedLines = (from: number, to: number): string[] =>
  numberedMessages(from, to).map(({ message = "" }) => message);

/** What a program has printed by its end. */
export interface ListenResult {
  readonly code: number;
  readonly lines: readonly string[];
  readonly errors: string;
}

/** A listener from its start to its end; `--format {message}` unless told otherwise. */
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

/** Where a test keeps its cursor and its output. */
export function outputPaths({ path }: Folder) {
  return { cursor: `${path}/cursor`, output: `${path}/output` };
}
