import { dirname } from "node:path";
import { getLogger } from "@logtape/logtape";
import { type CommandInput, defineCommand } from "../../cli/command.ts";
import type { Context } from "../../cli/context.ts";
import { CliError, EXIT, type ExitCode } from "../../cli/errors.ts";
import { exportsLogs, startLogging } from "../../cli/logging.ts";
import { currentLaunch, programName } from "../../cli/shell.ts";
import { ignoreStraySignals, watchInterrupts } from "../../cli/signals.ts";
import { aborted, settledWithin } from "../../lib/async.ts";
import { isUnspecified } from "../../lib/net.ts";
import { plural } from "../../lib/words.ts";
import { VERSION } from "../../lib/version.ts";
import type { Server } from "../../server.ts";
import { openAuth } from "./auth_flags.ts";
import {
  banner,
  exposureWarnings,
  lanAddresses,
  listeningLine,
  reachableHost,
  shownHost,
} from "./banner.ts";
import { Renewal } from "./certificate_renewal.ts";
import { holdDirectory } from "./data_directory.ts";
import { START_FLAGS } from "./flags.ts";
import { databasePath, listen } from "./listen.ts";
import { tlsSource } from "./tls.ts";

const logger = getLogger(["bcast", "server"]);

/** Milliseconds for a shutdown, apart from --drain: service managers kill soon after. */
const STOP_TIMEOUT = 1900;

type Input = CommandInput<typeof START_FLAGS>;

/** `bcast start`. */
export const start = defineCommand({
  name: "start",
  summary: "Run a hub",
  description:
    "Listens for clients and delivers every message sent to a room to all its members. " +
    "Messages are stored on this machine, so that clients that join later can read them. " +
    "The data directory is ~/.local/share/bcast, on macOS ~/Library/Application Support/bcast, " +
    "on Windows %LOCALAPPDATA%\\bcast, unless --data names another.\n\n" +
    "Ctrl-C or SIGTERM stops the hub gracefully; a second Ctrl-C ends it at once. SIGHUP " +
    "stops a hub that has a terminal. Without a terminal, the hub reopens the log file and " +
    "reloads the certificate. SIGUSR1 and similar signals are logged and ignored.\n\nClients on this " +
    "machine are exempt from --rate and --rate-per-address unless you set them. A JWT for " +
    "an audience is accepted only if --jwt-audience names it. Secret files, keys and " +
    "certificates are reloaded when they change.",
  flags: START_FLAGS,
  examples: [
    ["start", "Run a hub for this machine"],
    ["start --host 0.0.0.0 --room team", "Run a hub for the whole network"],
    ["start --port 0 --memory --quiet", "Run a temporary hub on any free port"],
    ["start --data /srv/bcast --log-file /var/log/bcast.log", "Run a hub as a service"],
  ],
  run,
});

async function run(input: Input, context: Context): Promise<ExitCode> {
  const { flags } = input;
  const path = databasePath(input, context);
  await using logging = await startLogging({
    level: flags.logLevel,
    format: flags.logFormat,
    quiet: flags.quiet,
    console: context.stderr,
    telemetry: exportsLogs(context.env),
    file: flags.logFile,
  });
  using _lock = path === undefined ? undefined : holdDirectory(dirname(path));
  const tls = await tlsSource(flags, {
    directory: path === undefined ? undefined : dirname(path),
    host: flags.host,
  });
  const renewal = new Renewal(tls);
  using interruption = watchInterrupts(context, () => {
    logging.reopen();
    renewal.request();
  });
  ignoreStraySignals(context, (signal) => {
    logger.warn("{signal} is ignored. Use SIGHUP to reload the certificate, SIGTERM to stop", {
      signal,
    });
  });
  using access = await openAuth(flags);
  const server = await listen(input, path, access.authorizer, tls);
  using _watch = renewal.begin(server);
  const host = shownHost(flags.host, server.addresses);
  const listening = {
    host,
    port: server.port,
    tcpPort: server.tcpPort,
    secure: tls !== undefined,
    guarded: access.authorizer.required,
  };
  logger.info("bcast {version} listens on {url} and keeps messages {where}", {
    version: VERSION,
    url: server.url,
    where: path === undefined ? "in memory" : `in ${path}`,
  });
  const warnings = exposureWarnings({ ...listening, host: reachableHost(server.addresses) });
  if (flags.quiet) { for (const warning of warnings) logger.warning(warning); }
  await context.stdout.write(
    flags.quiet ? listeningLine(listening) : banner({
      ...listening,
      rooms: flags.room,
      history: path === undefined
        ? "in memory only; lost when the hub stops"
        : `${path} (at most ${plural(flags.history, "message")} per room)`,
      program: programName(currentLaunch()),
      bound: server.addresses,
      addresses: isUnspecified(host) ? lanAddresses(host, Deno.networkInterfaces()) : [],
      warnings,
      ...(tls?.selfSigned ? { fingerprint: tls.facts.fingerprint } : {}),
    }),
  );
  await Promise.race([aborted(interruption.signal), renewal.failed]);
  await stop(server, flags.drain * 1000);
  return EXIT.done;
}

async function stop(server: Server, drain: number): Promise<void> {
  if (!await settledWithin(server.stop(undefined, drain), STOP_TIMEOUT + drain)) {
    throw new CliError("The hub did not stop in time and was terminated");
  }
}
