import type { Authorizer } from "../../auth/authorizer.ts";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { type CommandInput, isStronger } from "../../cli/command.ts";
import type { Context } from "../../cli/context.ts";
import { CliError, EXIT } from "../../cli/errors.ts";
import { steadyClock } from "../../lib/steady_clock.ts";
import { DEFAULT_PORT, visible } from "../../protocol.ts";
import type { Server } from "../../server.ts";
import { readHostPattern } from "../../server/http/hosts.ts";
import { readOrigin } from "../../server/http/origin.ts";
import { logMessages } from "../../server/traffic_log.ts";
import { sqliteStorage } from "../../server/storage.ts";
import { AddressInUse } from "../../server/transports/bind.ts";
import { authority } from "./banner.ts";
import { databaseIn } from "./data_directory.ts";
import type { START_FLAGS } from "./flags.ts";
import type { TlsSource } from "./tls.ts";

type Input = CommandInput<typeof START_FLAGS>;

/** The path of the log; `undefined` for memory. */
export function databasePath({ flags, source }: Input, context: Context): string | undefined {
  if (flags.memory) {
    if (source("data") === "flag" && source("memory") === "flag") {
      throw new CliError("Cannot use --data together with --memory: leave one out", EXIT.usage);
    }
    // --data overrides BCAST_MEMORY.
    if (!isStronger(source("data"), source("memory"))) return undefined;
  }
  return databaseIn(flags.data, context);
}

/**
 * Opens the log and starts the server.
 *
 * @throws {CliError} if it cannot listen.
 */
export async function listen(
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
        recent: replay,
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

/** Explains a failure to bind an address; other errors are returned unchanged. */
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
  // The runtime has no error class for names that cannot be resolved.
  if (error instanceof Error && /lookup address|resolve|nodename/i.test(error.message)) {
    return new CliError(
      `${where}: unknown host. Try --host localhost, or --host 0.0.0.0`,
      EXIT.failed,
      options,
    );
  }
  return error;
}
