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
import type { Cancel, ServerClock } from "./lib/clock.ts";
import { steadyClock } from "./lib/steady_clock.ts";
import { retryAfterShutdown } from "./server/limits/connection_limiter.ts";
import { Hub } from "./server/hub.ts";
import { type ServerLimits, serverLimits } from "./server/limits/server_limits.ts";
import { ClientsFile } from "./server/metrics/clients_file.ts";
import { MetricsCollector } from "./server/metrics/collector.ts";
import { DEFAULT_PORT, DEFAULT_ROOM } from "./protocol.ts";
import type { TransportKind } from "./server/transport.ts";
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
  /** Clients that may read `/metrics`; default `local`. */
  readonly metrics?: MetricsExposure;
  /** The database file, for the metric of its size; absent when it is in memory. */
  readonly database?: string;
}

/** The port for plain TCP. */
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
  return new HubServer(options);
}

class HubServer implements Server {
  readonly host: string;
  readonly #clock: ServerClock;
  readonly #hub: Hub;
  readonly #tcpServers: readonly TcpServer[];
  readonly #listeners: readonly [HttpListener, ...HttpListener[]];
  readonly #clientsFile: ClientsFile | undefined;
  readonly #cancelTrimming: Cancel;
  #hosts: HostList;
  #renewing: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(private readonly options: ServerOptions) {
    const { host = "localhost", port = DEFAULT_PORT, rooms = [DEFAULT_ROOM] } = options;
    const { broker, sanctions, ownedNames, tcp, clientsFile, database } = options;
    const { authorizer = OPEN, origins, trustedProxies, metrics = "local" } = options;
    const clock = options.clock ?? steadyClock;
    const limits = serverLimits(options.limits);
    const hub = new Hub({ broker, sanctions, ownedNames, rooms, limits, clock, authorizer });
    this.host = host;
    this.#clock = clock;
    this.#hub = hub;
    this.#hosts = this.#hostList(options.tls);
    const router = new Router({
      hub,
      room: rooms[0] ?? DEFAULT_ROOM,
      webSocket: new WebSocketServer(hub, clock, limits.heartbeat),
      guard: new RequestGuard(hub.limiter, {
        origins,
        trustedProxies,
        hosts: () => this.#hosts,
        port: () => this.port,
      }),
      api: api({ hub, clock, limits, events: new SseServer(hub, clock) }),
      health: new Health({ broker, clock, limiter: hub.limiter }),
      metrics: { exposure: metrics, monitor: new MetricsCollector({ hub, database }) },
    });
    const opened: AsyncDisposable[] = [hub];
    try {
      this.#tcpServers = tcp === undefined ? [] : this.#listenTcp(tcp, limits);
      opened.push(...this.#tcpServers);
      this.#listeners = bindAll(addressesOf(host), port, (host, port) => {
        const { tls } = options;
        return new HttpListener({
          host,
          port,
          handler: (request, info) => router.handle(request, info),
          clock,
          tls,
        });
      });
      opened.push(...this.#listeners);
      // Last: a hub that cannot have the port must not empty the file of the hub that has it.
      if (clientsFile !== undefined) this.#clientsFile = new ClientsFile(clientsFile, hub, clock);
    } catch (error) {
      // No client is connected yet: there is nothing to wait for.
      for (const part of opened) void part[Symbol.asyncDispose]();
      throw error;
    }
    this.#cancelTrimming = this.#trimRegularly();
  }

  get addresses(): readonly string[] {
    return this.#listeners.map(({ address }) => address);
  }

  get port(): number {
    return this.#listeners[0].port;
  }

  get tcpPort(): number | undefined {
    return this.#tcpServers[0]?.port;
  }

  get url(): string {
    const scheme = this.options.tls === undefined ? "ws" : "wss";
    return `${scheme}://${localName(this.host, this.addresses)}:${this.port}/`;
  }

  get online(): number {
    return this.#hub.online;
  }

  renew(tls: KeyPair): Promise<void> {
    // One after the other: each needs an open listener.
    return this.#renewing = this.#renewing.catch(() => undefined).then(() => this.#renew(tls));
  }

  stop(reason = "The hub is stopping", drain = 0): Promise<void> {
    return this.#stopped ??= this.#stop(reason, drain);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #hostList(tls: KeyPair | undefined): HostList {
    const { allowedHosts = [], origins = [] } = this.options;
    const bound = readHostPattern(this.host);
    const certified = tls === undefined ? [] : certificateNames(tls.cert);
    const own = [...machineNames(), ...certified, ...bound === undefined ? [] : [bound]];
    return new HostList({ allowed: allowedHosts, own, origins });
  }

  #listenTcp(tcp: TcpOptions, limits: ServerLimits): readonly TcpServer[] {
    try {
      return bindAll(
        addressesOf(tcp.host ?? this.host),
        tcp.port,
        (host, port) => new TcpServer({ hub: this.#hub, limits, clock: this.#clock, host, port }),
      );
    } catch (cause) {
      throw new TcpListenError("Cannot open the port for plain TCP", { cause });
    }
  }

  #trimRegularly(): Cancel {
    const { broker } = this.options;
    // With a retention of seconds, trimming once a minute would be too late.
    const period = Math.max(
      TRIM_PERIOD.min,
      Math.min(TRIM_PERIOD.max, broker.retention.maxAge / 4),
    );
    return this.#clock.every(period, () => {
      broker.trim().then((dropped) => {
        if (dropped > 0) logger.debug("Retention dropped {dropped} messages", { dropped });
      }).catch((error) => logger.debug("Cannot trim the log: {error}", { error }));
    });
  }

  async #renew(tls: KeyPair): Promise<void> {
    if (this.#stopped !== undefined) return;
    const { limiter } = this.#hub;
    const reason = "The hub has a new certificate: reconnect";
    const notice = { reason, retryAfter: () => 1, closesTcp: false };
    limiter.shutdown = notice;
    await this.#hub.disconnectAll(reason, ({ transport }) => transport.kind !== "tcp");
    this.#hosts = this.#hostList(tls);
    const how = await this.#disconnected(["websocket", "sse"]);
    await Promise.all(this.#listeners.map((listener) => listener.renew(tls, how)));
    // `stop()` may have begun meanwhile: it waits for this, and has its own notice.
    if (limiter.shutdown === notice) limiter.shutdown = undefined;
  }

  async #stop(reason: string, drain: number): Promise<void> {
    const hub = this.#hub;
    const end = this.#clock.monotonic() + drain;
    hub.limiter.shutdown = {
      reason,
      retryAfter: () => retryAfterShutdown(end - this.#clock.monotonic(), Math.random()),
      closesTcp: true,
    };
    for (const each of this.#tcpServers) each.close(reason);
    // The caller of `renew()` handles its error.
    await this.#renewing.catch(() => undefined);
    await hub.drain(reason, drain);
    this.#cancelTrimming();
    await hub.stop(reason);
    const how = await this.#disconnected();
    await Promise.all(this.#listeners.map((listener) => listener.end(how)));
    await Promise.all(this.#tcpServers.map((each) => each[Symbol.asyncDispose]()));
    await this.#clientsFile?.[Symbol.asyncDispose]();
    await hub[Symbol.asyncDispose]();
    logger.info(
      "Stopped after {connections} connections ({turnedAway} rejected), {messages} messages " +
        "({duplicates} duplicates), {deliveries} deliveries, {resumes} resumes, {slowConsumers} slow " +
        "consumers, {refused} frames and {tokensRefused} tokens rejected",
      { ...hub.counters.totals },
    );
    await this.options.broker[Symbol.asyncDispose]();
  }

  /** Waits before the listeners close, as they would end connections without the hub's reason. */
  async #disconnected(kinds?: readonly TransportKind[]): Promise<"close" | "abort"> {
    return await settledWithin(this.#hub.limiter.empty(kinds), DISCONNECT_TIMEOUT)
      ? "close"
      : "abort";
  }
}

/** The host in the URL for clients on this machine. */
function localName(host: string, addresses: readonly string[]): string {
  if (host.toLowerCase() === "localhost") return "localhost";
  // The host itself may be spelled `0` or `::0`.
  if (addresses.some(isUnspecified)) return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
