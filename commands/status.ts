import { delay } from "../lib/async.ts";
import { ADDRESS_ARGUMENT, hubAddress } from "./client/address.ts";
import { type CommandInput, defineCommand } from "../cli/command.ts";
import { type Context, isDumb } from "../cli/context.ts";
import { EXIT, type ExitCode } from "../cli/errors.ts";
import { explain } from "./explain_error.ts";
import * as flag from "../cli/flags.ts";
import { observe, OBSERVER_FLAGS } from "./client/observer.ts";
import { watchInterrupts } from "../cli/signals.ts";
import { statusLine, statusRows } from "./status_text.ts";
import { table } from "../render/table.ts";
import { wrap } from "../render/wrap.ts";
import { ConnectError, type HubApi, shownUrl } from "../client.ts";
import { safeJson, type StatusReport, visible } from "../protocol.ts";
import { terminalSize } from "../render/terminal_size.ts";
import { LiveView } from "../render/live_view.ts";

const FLAGS = {
  ...OBSERVER_FLAGS,
  watch: flag.toggle({ help: "Keep updating until Ctrl-C" }),
  interval: flag.seconds({ fallback: 1, min: 1, max: 3600, help: "Time between updates" }),
  json: flag.toggle({ help: "Print JSON, one object per line" }),
};

type Input = CommandInput<typeof FLAGS>;

/** `bcast status`. */
export const status = defineCommand({
  name: "status",
  summary: "Show the status of a hub",
  description:
    "Shows clients, rooms, messages and deliveries per second, memory, and the delay of " +
    "the hub's event loop: more than a few tens of milliseconds means overload.\n\nWith " +
    "--watch, updates until Ctrl-C, even while the hub is unreachable for a moment: in " +
    "place on a terminal, otherwise one line per update.",
  positional: ADDRESS_ARGUMENT,
  flags: FLAGS,
  examples: [
    ["status", "Show the hub on this machine"],
    ["status --watch", "Keep updating"],
    ["status --watch --interval 10s --json", "One JSON object every ten seconds"],
  ],
  run,
});

async function run(input: Input, context: Context): Promise<ExitCode> {
  const { flags } = input;
  const url = shownUrl(hubAddress(input));
  using interruption = watchInterrupts(context);
  await using hub = await observe(input, interruption);
  const first = await hub.status();
  if (flags.watch) return await watch(input, context, hub, first, interruption.signal);
  const text = flags.json ? safeJson(first) + "\n" : statusTable(first, url);
  await context.stdout.write(text);
  return EXIT.done;
}

/** The result of one request. */
type Poll = { readonly status: StatusReport } | { readonly problem: string };

async function watch(
  { flags, ...input }: Input,
  context: Context,
  hub: HubApi,
  first: StatusReport,
  signal: AbortSignal,
): Promise<ExitCode> {
  const url = shownUrl(hubAddress({ flags, ...input }));
  const { stdout, stderr } = context;
  const inPlace = stdout.isTerminal && !flags.json && !isDumb(context);
  await using board = new LiveView(stdout, () => terminalSize().rows);
  // Immediately: a second Ctrl-C would exit before later steps.
  signal.addEventListener("abort", () => void board[Symbol.asyncDispose](), { once: true });
  let last: Poll = { status: first };
  let reported = "";
  while (!signal.aborted) {
    const problem = "problem" in last ? last.problem : "";
    let reader: boolean;
    if (inPlace) {
      reader = await board.show([
        ...statusTable("status" in last ? last.status : first, url).trimEnd().split("\n"),
        "",
        ...wrap(problem || `Updated every ${flags.interval} s; Ctrl-C exits`, stdout.columns),
      ]);
    } else if ("status" in last) {
      const line = flags.json ? safeJson(last.status) : statusLine(last.status, new Date());
      reader = await stdout.write(line + "\n");
    } else {
      // Once per problem: an outage may last long.
      reader = reported === problem || await stderr.write(problem + "\n");
    }
    if (!reader) return EXIT.done;
    reported = problem;
    if ("status" in last) first = last.status;
    await delay(flags.interval * 1000, { signal });
    if (!signal.aborted) last = await poll(hub);
  }
  return EXIT.done;
}

/** Requests the status. A failure is a result, too, since the hub may come back. */
async function poll(hub: HubApi): Promise<Poll> {
  try {
    return { status: await hub.status() };
  } catch (error) {
    if (error instanceof ConnectError) return { problem: explain(error).message };
    throw error;
  }
}

function statusTable(report: StatusReport, url: string): string {
  const rows = statusRows(report, url).map(([label, value]) => [label, visible(value)] as const);
  return table(rows, { indent: 0, width: Infinity });
}
