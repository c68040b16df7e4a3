import { ADDRESS_ARGUMENT, hubAddress } from "./client/address.ts";
import { type CommandInput, defineCommand } from "../cli/command.ts";
import type { Context } from "../cli/context.ts";
import { CliError, EXIT, type ExitCode } from "../cli/errors.ts";
import * as flag from "../cli/flags.ts";
import { roomFlag } from "./client/client_flags.ts";
import { observe, OBSERVER_FLAGS } from "./client/observer.ts";
import { watchInterrupts } from "../cli/signals.ts";
import { backgroundOfNumbers } from "../render/background.ts";
import { tokenOption } from "./client/token.ts";
import { connectorFor } from "./client/trust.ts";
import { fetchHistory, type HistoryQuery } from "../client/history.ts";
import { connect, ConnectError } from "../client.ts";
import { PROGRAM } from "../lib/version.ts";
import {
  DEFAULT_HISTORY_PAGE,
  DEFAULT_ROOM,
  MAX_QUERY_LENGTH,
  safeJson,
  visible,
} from "../protocol.ts";
import { paintWith } from "../render/paint.ts";
import { paletteOf } from "../render/palette.ts";
import { renderMessage } from "../terminal/render.ts";

/** The value of `--limit`. */
type Limit = number | "all";

const FLAGS = {
  room: roomFlag("Room to read", "the hub's own"),
  query: flag.value<string | undefined>({
    fallback: undefined,
    placeholder: "WORDS",
    expects: `1 to ${MAX_QUERY_LENGTH} characters`,
    parse: (text) => text.length <= MAX_QUERY_LENGTH ? text : undefined,
    help: "Only messages with all these words; word* matches prefixes",
  }),
  after: id("Only messages after this ID"),
  before: id("Only messages before this ID"),
  since: flag.moment({ help: "Only messages since: 10m (ago), 2026-01-31, 2026-01-31T10:30" }),
  until: flag.moment({ help: "Only messages before this time" }),
  limit: flag.value<Limit | undefined>({
    fallback: undefined,
    placeholder: "N|all",
    defaultText: `${DEFAULT_HISTORY_PAGE}, or all with --after or --since`,
    expects: "a whole number from 1 up, or all",
    parse: (text) => {
      if (/^all$/i.test(text)) return "all";
      const number = /^[0-9]+$/.test(text) ? Number(text) : 0;
      return Number.isSafeInteger(number) && number > 0 ? number : undefined;
    },
    help: "Maximum messages: oldest with --after or --since, otherwise newest",
  }),
  ...OBSERVER_FLAGS,
  json: flag.toggle({ help: "Print JSON, one message per line" }),
};

type Input = CommandInput<typeof FLAGS>;

/** `bcast history`. */
export const history = defineCommand({
  name: "history",
  summary: "Read or search messages",
  description: "Prints the messages of a room, oldest first, without joining it: members are not " +
    "notified. With --query, exits with 1 if nothing matches.",
  positional: ADDRESS_ARGUMENT,
  flags: FLAGS,
  examples: [
    ["history --room team", "Show the newest messages of a room"],
    ['history --query "deploy fail*" --limit 5', "Search for the last five matching messages"],
    ["history --since 1h --json", "The last hour as JSON"],
  ],
  run,
});

async function run(input: Input, context: Context): Promise<ExitCode> {
  const { flags } = input;
  const { stdout, stderr } = context;
  const query = historyQuery(input);
  using interruption = watchInterrupts(context);
  const { signal } = interruption;
  const url = hubAddress(input);
  const token = await tokenOption(input, url);
  const room = flags.room ?? await defaultRoom(input, { ...token, signal });
  await using connector = connectorFor(url, flags);
  await using connection = connect({
    url,
    client: PROGRAM,
    // Reads without joining, so the members do not notice.
    rooms: [],
    ...token,
    signal,
  }, connector.environment);
  const palette = stdout.color
    ? paletteOf("auto", backgroundOfNumbers(context.env("COLORFGBG")))
    : undefined;
  const paint = paintWith(palette);
  let found = false;
  for await (const messages of fetchHistory((page) => connection.history(room, page), query)) {
    found = true;
    const lines = messages.map((message) =>
      flags.json ? safeJson(message) : renderMessage(message, {
        self: undefined,
        paint,
        ...(stdout.isTerminal ? { columns: stdout.columns } : {}),
        now: new Date(),
        stamps: "dated",
      })
    );
    // The output was closed: end quietly, like any program in a pipe.
    if (!await stdout.write(lines.map((line) => line + "\n").join(""))) return EXIT.done;
  }
  if (found) return EXIT.done;
  await stderr.write(
    flags.query === undefined
      ? `No messages in ${room}${isNarrowed(input) ? " in that range" : " yet"}\n`
      : `No message in ${room} matches ${visible(flags.query)}\n`,
  );
  return flags.query === undefined ? EXIT.done : EXIT.failed;
}

function historyQuery({ flags }: Input): HistoryQuery {
  const { after, before, since, until, query } = flags;
  if (since !== undefined && until !== undefined && since >= until) {
    throw new CliError("--since must be before --until", EXIT.usage);
  }
  const hasStart = after !== undefined || since !== undefined;
  const limit = flags.limit ?? (hasStart ? "all" : DEFAULT_HISTORY_PAGE);
  return { after, before, since, until, query, limit: limit === "all" ? undefined : limit };
}

/** The hub's default room. */
async function defaultRoom(
  input: Input,
  options: Parameters<typeof observe>[1],
): Promise<string> {
  try {
    await using hub = await observe(input, options);
    const { defaults } = await hub.rooms();
    return defaults[0] ?? DEFAULT_ROOM;
  } catch (error) {
    // An older hub has no HTTP API, but has a history.
    if (error instanceof ConnectError && error.failure === "unsupported") return DEFAULT_ROOM;
    throw error;
  }
}

function isNarrowed({ flags: { after, before, since, until } }: Input): boolean {
  return [after, before, since, until].some((bound) => bound !== undefined);
}

function id(help: string): flag.Flag<number | undefined> {
  return flag.value<number | undefined>({
    fallback: undefined,
    placeholder: "ID",
    expects: "the ID of a message, as shown by --json",
    parse: (text) => {
      const number = /^#?[0-9]+$/.test(text) ? Number(text.replace("#", "")) : Number.NaN;
      return Number.isSafeInteger(number) ? number : undefined;
    },
    help,
  });
}
