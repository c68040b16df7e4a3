import { isIP } from "node:net";
import { dirname } from "node:path";
import { getLogger } from "@logtape/logtape";
import type { Authorizer } from "../../auth/authorizer.ts";
import { DEFAULT_RETENTION } from "../../broker/broker.ts";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { sqliteStorage } from "../../server/storage.ts";
import { ACCESS_FLAGS, openAuth } from "./auth_flags.ts";
import {
  authority,
  banner,
  lanAddresses,
  listeningLine,
  reachableHost,
  shownHost,
} from "./banner.ts";
import { isUnspecified } from "../../lib/net.ts";
import { type CommandInput, defineCommand, isStronger } from "../../cli/command.ts";
import type { Context } from "../../cli/context.ts";
import { CliError, EXIT, type ExitCode } from "../../cli/errors.ts";
import { exposureWarnings } from "./exposure.ts";
import * as flag from "../../cli/flags.ts";
import { holdDirectory } from "./lock.ts";
import { LOG_FLAGS, startLogging } from "../../cli/logging.ts";
import { currentLaunch, programName } from "../../cli/program.ts";
import { Renewal } from "./certificate_renewal.ts";
import { watchInterrupts } from "../../cli/signals.ts";
import { ignoreStraySignals } from "../../cli/stray_signals.ts";
import { exportsLogs } from "../../cli/telemetry.ts";
import { plural } from "../../lib/words.ts";
import { TLS_FLAGS, type TlsSource, tlsSource } from "./tls.ts";
import { aborted, settledWithin } from "../../lib/async.ts";
import { steadyClock } from "../../lib/steady_clock.ts";
import { logMessages } from "../../server/traffic_log.ts";
import { AddressInUse } from "../../server/transports/bind.ts";
import { readHostPattern } from "../../server/http/hosts.ts";
import { readOrigin } from "../../server/http/origin.ts";
import {
  DEFAULT_PORT,
  DEFAULT_ROOM,
  isRoomName,
  MAX_HISTORY_PAGE,
  VERSION,
  visible,
} from "../../protocol.ts";
import type { Server } from "../../server.ts";
import { DEFAULT_SERVER_LIMITS } from "../../server/limits/server_limits.ts";
import { databaseIn } from "../database_path.ts";
import { TRANSPORT_FLAGS } from "./transport_flags.ts";

const logger = getLogger(["bcast", "server"]);

/**
 * Milliseconds that stopping may take beside the goodbyes: whoever stops a service waits no longer
 * before it kills.
 */
const STOP_TIMEOUT = 1900;

const LIMITS = "Limits";
const defaults = DEFAULT_SERVER_LIMITS;

const FLAGS = {
  host: flag.value({
    fallback: "localhost",
    placeholder: "HOST",
    expects: "a host name or an IP address without a port (a Unix socket is neither)",
    read: readHost,
    help: "Address to listen on; 0.0.0.0 for all networks",
  }),
  port: flag.integer({
    fallback: DEFAULT_PORT,
    max: 65_535,
    help: "Port to listen on; 0 picks a free one",
  }),
  room: flag.list({
    fallback: [DEFAULT_ROOM],
    placeholder: "ROOM",
    expects: "a room: 1 to 64 of a-z 0-9 . _ - that start with a letter or digit",
    accepts: isRoomName,
    help: "Default room for clients that name none (repeatable)",
  }),
  data: flag.text({
    placeholder: "DIR",
    help: "Keep messages in DIR instead of your data directory",
  }),
  memory: flag.toggle({ help: "Keep messages in memory only; lost on exit" }),
  fsync: flag.choice(["normal", "always"], {
    fallback: "normal",
    help: "When to sync to disk; always survives power cuts",
  }),
  ...ACCESS_FLAGS,
  drain: flag.seconds({
    fallback: 0,
    max: 3600,
    help: "On shutdown, disconnect clients gradually over this long",
  }),
  ...TRANSPORT_FLAGS,
  ...LOG_FLAGS,
  logMessages: flag.toggle({
    help: "Log every room message, but no private ones",
    group: "Logging",
  }),
  ...TLS_FLAGS,
  history: flag.integer({
    fallback: DEFAULT_RETENTION.maxMessages,
    min: 1,
    help: "Messages kept per room",
    group: LIMITS,
  }),
  retention: flag.seconds({
    fallback: DEFAULT_RETENTION.maxAge / 1000,
    min: 1,
    help: "Maximum age of messages kept",
    group: LIMITS,
  }),
  replay: flag.integer({
    fallback: defaults.replay,
    max: MAX_HISTORY_PAGE,
    help: "Messages shown to clients that join",
    group: LIMITS,
  }),
  maxMessageBytes: flag.bytes({
    fallback: defaults.maxMessageBytes,
    min: 1024,
    help: "Maximum size of a message",
    group: LIMITS,
  }),
  maxRooms: flag.integer({
    fallback: defaults.maxRooms,
    min: 1,
    help: "Maximum rooms per client",
    group: LIMITS,
  }),
  maxRoomsTotal: flag.integer({
    fallback: defaults.maxRoomsTotal,
    min: 1,
    help: "Maximum rooms that hold messages or members",
    group: LIMITS,
  }),
  rate: flag.integer({
    fallback: defaults.rate,
    help: "Messages and commands per second and client (0 = unlimited)",
    group: LIMITS,
  }),
  burst: flag.integer({
    fallback: defaults.burst,
    min: 1,
    help: "Messages and commands a client may send at once",
    group: LIMITS,
  }),
  ratePerAddress: flag.integer({
    fallback: defaults.ratePerAddress,
    shown: "10 times --rate",
    help: "Messages and requests per second and address (0 = unlimited)",
    group: LIMITS,
  }),
  maxFailures: flag.integer({
    fallback: defaults.maxFailures,
    help: "Failed logins per minute and address (0 = unlimited)",
    group: LIMITS,
  }),
  helloTimeout: flag.seconds({
    fallback: defaults.helloTimeout,
    min: 1,
    max: 3600,
    help: "Time a client has to identify itself",
    group: LIMITS,
  }),
  maxOutboxBytes: flag.bytes({
    fallback: defaults.maxOutboxBytes,
    min: 64 * 1024,
    help: "Unsent bytes per client before it is disconnected",
    group: LIMITS,
  }),
  maxConnections: flag.integer({
    fallback: defaults.maxConnections,
    min: 1,
    help: "Maximum number of connected clients",
    group: LIMITS,
  }),
  maxPerAddress: flag.integer({
    fallback: defaults.maxPerAddress,
    min: 1,
    help: "Maximum clients per remote address",
    group: LIMITS,
  }),
  heartbeat: flag.seconds({
    fallback: defaults.heartbeat,
    max: 3600,
    help: "Disconnect clients silent for this long (0 = never)",
    group: LIMITS,
  }),
};

type Input = CommandInput<typeof FLAGS>;

/** A host to bind, as the system takes it; `undefined` for what can be none, such as `unix:/run/x`. */
function readHost(text: string): string | undefined {
  const bare = text.replace(/^\[(.*)\]$/, "$1");
  const [address = ""] = bare.split("%");
  return isIP(address) !== 0
    ? bare
    : /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}._-]*$/u.test(text)
    ? text
    : undefined;
}

/** `bcast start`. */
export const start = defineCommand({
  name: "start",
  summary: "Run a hub",
  description:
    "Listens for clients and delivers every message sent to a room to all its members. " +
    "Messages are stored on this machine, so that clients that join later can read them.\n\n" +
    "Ctrl-C or SIGTERM stops the hub gracefully; a second Ctrl-C ends it at once. SIGHUP " +
    "stops it if it has a terminal; without one, it reopens the log file and reloads the " +
    "certificate. SIGUSR1 and similar signals are logged and ignored.\n\nClients on this " +
    "machine are exempt from --rate and --rate-per-address unless you set them. A JWT for " +
    "an audience is accepted only if --jwt-audience names it. Secret files, keys and " +
    "certificates are reloaded when they change.",
  flags: FLAGS,
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
    ...(flags.logFile === undefined ? {} : { file: flags.logFile }),
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

function databasePath({ flags, source }: Input, context: Context): string | undefined {
  if (flags.memory) {
    if (source("data") === "flag" && source("memory") === "flag") {
      throw new CliError("Cannot use --data together with --memory: leave one out", EXIT.usage);
    }
    // The stronger source wins: --data over BCAST_MEMORY.
    if (!isStronger(source("data"), source("memory"))) return undefined;
  }
  return databaseIn(flags.data, context);
}

async function listen(
  { flags, source }: Input,
  path: string | undefined,
  authorizer: Authorizer,
  tls: TlsSource | undefined,
): Promise<Server> {
  const { history, retention, fsync, host, port, room, ...rest } = flags;
  // Loaded on use: other commands and their help start faster without the hub.
  const { startServer, TcpListenError } = await import("../../server.ts");
  const broker = await openSqliteBroker({
    path: path ?? ":memory:",
    retention: { maxMessages: history, maxAge: retention * 1000 },
    fsync,
    now: steadyClock.now,
    elapsed: steadyClock.elapsed,
  });
  if (rest.logMessages) logMessages(broker);
  try {
    const { maxMessageBytes, maxRooms, maxRoomsTotal, replay, rate, burst } = rest;
    const { ratePerAddress, maxFailures, helloTimeout } = rest;
    const { maxOutboxBytes, maxConnections, maxPerAddress, heartbeat } = rest;
    const { tcp, clientsFile, metrics } = rest;
    return startServer({
      host,
      port,
      rooms: room,
      ...sqliteStorage(broker),
      authorizer,
      origins: flags.origin.map((origin) => readOrigin(origin) ?? origin),
      allowedHosts: flags.allowedHost.map((name) => readHostPattern(name) ?? name),
      trustedProxies: flags.trustProxy,
      ...(tls === undefined ? {} : { tls: tls.pair }),
      ...(tcp === undefined ? {} : { tcp: { port: tcp } }),
      ...(clientsFile === undefined ? {} : { clientsFile }),
      metrics,
      ...(path === undefined ? {} : { database: path }),
      limits: {
        maxMessageBytes,
        maxRooms,
        maxRoomsTotal,
        replay,
        rate,
        rateOnLoopback: source("rate") !== "default" || source("ratePerAddress") !== "default",
        burst,
        ...(source("ratePerAddress") === "default" ? {} : { ratePerAddress }),
        maxFailures,
        helloTimeout,
        maxOutboxBytes,
        maxConnections,
        maxPerAddress,
        heartbeat,
      },
    });
  } catch (error) {
    await broker[Symbol.asyncDispose]();
    if (error instanceof TcpListenError) {
      throw cannotListen(error.cause, host, rest.tcp ?? 0, "--tcp");
    }
    throw cannotListen(error, host, port);
  }
}

/** What to tell somebody whose hub cannot have its address. */
export function cannotListen(
  error: unknown,
  host: string,
  port: number,
  portFlag = "--port",
): unknown {
  const named = error instanceof AddressInUse ? error.address : host;
  const where = `Cannot listen on ${visible(authority(named, port))}`;
  const options = { cause: error };
  if (error instanceof Deno.errors.AddrInUse) {
    const other = port >= 65_535 ? DEFAULT_PORT : port + 1;
    return new CliError(
      `${where}: the port is in use. Try ${portFlag} ${other}, or ${portFlag} 0 for any free one`,
      EXIT.failed,
      options,
    );
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return new CliError(
      `${where}: the system does not permit this port. Try ${portFlag} ${DEFAULT_PORT}`,
      EXIT.failed,
      options,
    );
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return new CliError(
      `${where}: this machine has no such address. Try --host localhost, or --host 0.0.0.0 ` +
        "for all addresses",
      EXIT.failed,
      options,
    );
  }
  // The runtime has no class of its own for a name that cannot be resolved.
  if (error instanceof Error && /lookup address|resolve|nodename/i.test(error.message)) {
    return new CliError(
      `${where}: unknown host. Try --host localhost, or --host 0.0.0.0`,
      EXIT.failed,
      options,
    );
  }
  return error;
}

async function stop(server: Server, drain: number): Promise<void> {
  if (!await settledWithin(server.stop(undefined, drain), STOP_TIMEOUT + drain)) {
    throw new CliError("The hub did not stop in time and was terminated");
  }
}
