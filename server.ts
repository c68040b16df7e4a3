/**
 * The hub as a library: {@linkcode startServer} runs one in your program.
 *
 * ```ts
 * import { openSqliteBroker, sqliteStorage, startServer } from "bcast/server";
 *
 * const storage = sqliteStorage(await openSqliteBroker({ path: "chat.db" }));
 * await using server = startServer({ ...storage, port: 8765 });
 * ```
 *
 * @module
 */

import { isUnspecified } from "./lib/net.ts";
import { getLogger } from "@logtape/logtape";
import { type Authorizer, OPEN } from "./auth/authorizer.ts";
import type { Broker } from "./broker/broker.ts";
import { api } from "./server/http/api/api.ts";
import { addressesOf, bindAll } from "./server/transports/bind.ts";
import { SseServer } from "./server/transports/sse.ts";
import { RequestGuard } from "./server/http/request_guard.ts";
import { Health } from "./server/http/health.ts";
import { certificateNames, HostList, machineNames, readHostPattern } from "./server/http/hosts.ts";
import { HttpListener } from "./server/transports/listener.ts";
import type { MetricsExposure } from "./server/http/metrics_endpoint.ts";
import { settledWithin } from "./lib/async.ts";
import { Router } from "./server/http/router.ts";
import type { KeyPair } from "./server/transports/tls.ts";
import { WebSocketServer } from "./server/transports/websocket.ts";
import type { ServerClock } from "./lib/clock.ts";
import { steadyClock } from "./lib/steady_clock.ts";
import { retryAfterShutdown } from "./server/limits/connection_limiter.ts";
import { Hub } from "./server/hub.ts";
import { type ServerLimits, serverLimits } from "./server/limits/server_limits.ts";
import { ClientsFile } from "./server/metrics/clients_file.ts";
import { MetricsCollector } from "./server/metrics/collector.ts";
import { DEFAULT_PORT, DEFAULT_ROOM } from "./protocol.ts";
import type { HubStorage } from "./server/storage.ts";
import { TcpServer } from "./server/transports/tcp/tcp_server.ts";

export {
  type AuthDecision,
  type AuthFailure,
  type Authorizer,
  combineAuthorizers,
  type Grant,
} from "./auth/authorizer.ts";
export { JwtAuthorizer, type JwtOptions } from "./auth/jwt.ts";
export { parsePublicKeys, secretKey, type VerificationKey } from "./auth/keys.ts";
export { Rights } from "./auth/rights.ts";
export { SecretAuthorizer } from "./auth/secrets.ts";
export { type Broker, BrokerError, DEFAULT_RETENTION, type Retention } from "./broker/broker.ts";
export {
  openSqliteBroker,
  type SqliteBroker,
  type SqliteOptions,
} from "./broker/sqlite/sqlite_broker.ts";
export { DEFAULT_SERVER_LIMITS, type ServerLimits } from "./server/limits/server_limits.ts";
export type { MetricsExposure } from "./server/http/metrics_endpoint.ts";
export { type HubStorage, sqliteStorage } from "./server/storage.ts";
export type { KeyPair } from "./server/transports/tls.ts";

const logger = getLogger(["bcast", "server"]);

/** Milliseconds that clients have to agree to the end of their connections. */
const DISCONNECT_TIMEOUT = 1000;

/** Longest and shortest time between two trims of the log, in milliseconds. */
const TRIM_PERIOD = { max: 60_000, min: 1000 };

/** Everything but the storage has a default. */
export interface ServerOptions extends HubStorage {
  /** The address to bind; default `localhost`, which is 127.0.0.1 and ::1. */
  readonly host?: string;
  /** Default 8765; 0 lets the system pick one. */
  readonly port?: number;
  /** The rooms of clients that name none; default `lobby`. */
  readonly rooms?: readonly string[];
  /** The server disposes of it when it stops, but not of the other stores. */
  readonly broker: Broker;
  readonly limits?: Partial<ServerLimits>;
  /** Checks tokens; by default, every client may do everything. */
  readonly authorizer?: Authorizer;
  /** Origins whose pages may talk to the hub beside its own: `https://example.org`, `null`, `*`. */
  readonly origins?: readonly string[];
  /**
   * Host names that the hub answers to beside `localhost`, IP addresses, the machine's name and those
   * in its certificate: `chat.example.org`, `*.example.org`, `*` for any.
   */
  readonly allowedHosts?: readonly string[];
  /** Networks (`10.0.0.0/8`) of proxies that are believed about where a request comes from. */
  readonly trustedProxies?: readonly string[];
  /** Serves `https://` and `wss://` with this certificate. */
  readonly tls?: KeyPair;
  /** Default: the system's. */
  readonly clock?: ServerClock;
  /** Also accepts plain TCP, for `nc` and `telnet`; off by default. */
  readonly tcp?: TcpOptions;
  /** A JSON file to keep a list of all connected clients in. */
  readonly clientsFile?: string;
  /** Who may read `/metrics`; default `local`. */
  readonly metrics?: MetricsExposure;
  /** The database file, for the metric of its size; absent when it is in memory. */
  readonly database?: string;
}

/** Where to accept plain TCP. */
export interface TcpOptions {
  /** 0 lets the system pick one. */
  readonly port: number;
  /** Default: `host` of the server. */
  readonly host?: string;
}

/** The port for plain TCP cannot be opened; the `cause` says why. */
export class TcpListenError extends Error {
  override readonly name = "TcpListenError";
}

/** A running hub. Disposing of it is `stop()`. */
export interface Server extends AsyncDisposable {
  readonly host: string;
  /** The IP addresses it listens on: for `localhost`, IPv4 and IPv6. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** `ws://` (or `wss://`) address for a client on this machine. */
  readonly url: string;
  /** The port for plain TCP. */
  readonly tcpPort: number | undefined;
  /** The number of connected clients. */
  readonly online: number;
  /**
   * Replaces the certificate of a hub that was started with one. Clients are disconnected with 1001,
   * and resume on the same port; plain TCP is not affected.
   */
  renew(tls: KeyPair): Promise<void>;
  /**
   * Rejects new clients, disconnects the others with 1001, and resolves when the log is committed
   * and the port is free.
   *
   * @param drain milliseconds over which clients are disconnected; the rest is served meanwhile.
   */
  stop(reason?: string, drain?: number): Promise<void>;
}

/**
 * Starts a hub. When this throws, the caller must dispose of the broker.
 *
 * @throws {Deno.errors.AddrInUse} when the port is taken.
 * @throws {TcpListenError} when the port for plain TCP is.
 * @throws {ClientsFileError} when the clients file cannot be written.
 */
export function startServer(options: ServerOptions): Server {
  const { host = "localhost", port = DEFAULT_PORT, rooms = [DEFAULT_ROOM] } = options;
  const { broker, sanctions, ownedNames } = options;
  const { authorizer = OPEN, origins = [], trustedProxies = [], allowedHosts = [] } = options;
  const clock = options.clock ?? steadyClock;
  const limits = serverLimits(options.limits);
  const hub = new Hub({ broker, sanctions, ownedNames, rooms, limits, clock, authorizer });
  const { limiter } = hub;
  const webSocket = new WebSocketServer(hub, limits.heartbeat);
  const events = new SseServer(hub, clock);
  let hosts = hostList(options.tls);
  const guard = new RequestGuard(limiter, {
    origins,
    trustedProxies,
    hosts: () => hosts,
    port: () => listeners[0].port,
  });
  const { metrics: exposure = "local", database } = options;
  const monitor = new MetricsCollector({ hub, ...(database === undefined ? {} : { database }) });
  let stopped: Promise<void> | undefined;
  let renewing: Promise<void> = Promise.resolve();
  const health = new Health({ broker, clock, limiter });
  const opened: AsyncDisposable[] = [hub];
  const { tcp, clientsFile: file } = options;
  const tcpServers = open(() => tcp === undefined ? [] : listenTcp(tcp));
  const router = new Router({
    hub,
    room: rooms[0] ?? DEFAULT_ROOM,
    webSocket,
    guard,
    api: api({ hub, clock, limits, events }),
    health,
    metrics: { exposure, monitor },
  });
  const listeners = open(() => bindAll(addressesOf(host), port, listen));
  // Last: a hub that cannot have the port must not empty the file of the hub that has it.
  const [clientsFile] = open(() => file === undefined ? [] : [new ClientsFile(file, hub, clock)]);
  // With a retention of seconds, trimming once a minute would be too late.
  const period = Math.max(TRIM_PERIOD.min, Math.min(TRIM_PERIOD.max, broker.retention.maxAge / 4));
  const cancelTrimming = clock.every(period, () => {
    broker.trim().then((dropped) => {
      if (dropped > 0) logger.debug("Retention dropped {dropped} messages", { dropped });
    }).catch((error) => logger.debug("Cannot trim the log: {error}", { error }));
  });

  function hostList(tls: KeyPair | undefined): HostList {
    const bound = readHostPattern(host);
    const certified = tls === undefined ? [] : certificateNames(tls.cert);
    const own = [...machineNames(), ...certified, ...bound === undefined ? [] : [bound]];
    return new HostList({ allowed: allowedHosts, own, origins });
  }

  /** If opening some parts fails, closes those before: no client is connected yet. */
  function open<Parts extends readonly AsyncDisposable[]>(make: () => Parts): Parts {
    try {
      const parts = make();
      opened.push(...parts);
      return parts;
    } catch (error) {
      for (const part of opened) void part[Symbol.asyncDispose]();
      throw error;
    }
  }

  function listenTcp(tcp: TcpOptions): readonly TcpServer[] {
    const open = (host: string, port: number): TcpServer =>
      new TcpServer({ hub, limits, clock, host, port });
    try {
      return bindAll(addressesOf(tcp.host ?? host), tcp.port, open);
    } catch (cause) {
      throw new TcpListenError("Cannot open the port for plain TCP", { cause });
    }
  }

  function listen(host: string, port: number): HttpListener {
    return new HttpListener({
      host,
      port,
      handler: (request, info) => router.handle(request, info),
      clock,
      tls: options.tls,
    });
  }

  /** Waits before the listeners close, as they would end connections without the hub's reason. */
  async function disconnected(empty: Promise<void>): Promise<"close" | "abort"> {
    return await settledWithin(empty, DISCONNECT_TIMEOUT) ? "close" : "abort";
  }

  async function renew(tls: KeyPair): Promise<void> {
    if (stopped !== undefined) return;
    const reason = "The hub has a new certificate: reconnect";
    limiter.shutdown = { reason, retryAfter: () => 1, closesTcp: false };
    await hub.disconnectAll(reason, (peer) => peer.transport.kind !== "tcp");
    hosts = hostList(tls);
    const how = await disconnected(limiter.empty(["websocket", "sse"]));
    await Promise.all(listeners.map((listener) => listener.renew(tls, how)));
    // `stop()` may have begun meanwhile: it waits for this, and has its own reason.
    if (limiter.shutdown.reason === reason) limiter.shutdown = undefined;
  }

  async function stop(reason: string, drain: number): Promise<void> {
    const end = clock.monotonic() + drain;
    limiter.shutdown = {
      reason,
      retryAfter: () => retryAfterShutdown(end - clock.monotonic(), Math.random()),
      closesTcp: true,
    };
    for (const each of tcpServers) each.close(reason);
    // The caller of `renew()` handles its error.
    await renewing.catch(() => undefined);
    await hub.drain(reason, drain);
    cancelTrimming();
    await hub.stop(reason);
    const how = await disconnected(limiter.empty());
    await Promise.all(listeners.map((listener) => listener.end(how)));
    await Promise.all(tcpServers.map((each) => each[Symbol.asyncDispose]()));
    await clientsFile?.[Symbol.asyncDispose]();
    await hub[Symbol.asyncDispose]();
    logger.info(
      "Stopped after {connections} connections ({turnedAway} rejected), {messages} messages " +
        "({duplicates} repeats), {deliveries} deliveries, {resumes} resumes, {slowConsumers} slow " +
        "consumers, {refused} frames and {tokensRefused} tokens refused",
      { ...hub.counters.totals },
    );
    await broker[Symbol.asyncDispose]();
  }

  const [{ port: bound }] = listeners;
  const addresses = listeners.map(({ address }) => address);
  return {
    host,
    addresses,
    port: bound,
    tcpPort: tcpServers[0]?.port,
    url: `${options.tls === undefined ? "ws" : "wss"}://${localName(host, addresses)}:${bound}/`,
    get online(): number {
      return hub.online;
    },
    // One after the other: each needs an open listener.
    renew: (tls) => renewing = renewing.catch(() => undefined).then(() => renew(tls)),
    stop: (reason = "The hub is stopping", drain = 0) => stopped ??= stop(reason, drain),
    async [Symbol.asyncDispose](): Promise<void> {
      await this.stop();
    },
  };
}

/** The host in the URL for clients on this machine. */
function localName(host: string, addresses: readonly string[]): string {
  if (host.toLowerCase() === "localhost") return "localhost";
  // The host itself may be spelled `0` or `::0`.
  if (addresses.some(isUnspecified)) return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
