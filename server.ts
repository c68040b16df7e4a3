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

export { DEFAULT_SERVER_LIMITS, type ServerLimits } from "./server/limits/server_limits.ts";

const logger = getLogger(["bcast", "server"]);

/** Milliseconds that connections have to end after the hub said goodbye. */
const GOODBYE_TIMEOUT = 1000;

/** The longest and the shortest time between two trims of the log, in milliseconds. */
const TRIM_PERIOD = { max: 60_000, min: 1000 };

/** Everything but the storage has a default. */
export interface ServerOptions extends HubStorage {
  /** The address to bind; default `localhost`, which is 127.0.0.1 and ::1. */
  readonly host?: string;
  /** Default 8765; 0 lets the system pick one. */
  readonly port?: number;
  /** The rooms of clients that name none; default `lobby`. */
  readonly rooms?: readonly string[];
  /** The server disposes of it, and of nothing else that stores. */
  readonly broker: Broker;
  readonly limits?: Partial<ServerLimits>;
  /** Who may come in; default: everybody. */
  readonly authorizer?: Authorizer;
  /** Origins whose pages may talk to the hub beside its own: `https://example.org`, `null`, `*`. */
  readonly origins?: readonly string[];
  /**
   * Names by which the hub may be called, beside `localhost`, addresses, the machine's own name and
   * those of its certificate: `chat.example.org`, `*.example.org`, `*` for any.
   */
  readonly allowedHosts?: readonly string[];
  /** Networks (`10.0.0.0/8`) of proxies whose word on where a request comes from is taken. */
  readonly trustedProxies?: readonly string[];
  /** Makes it `wss://`. */
  readonly tls?: KeyPair;
  /** Default: the machine's own. */
  readonly clock?: ServerClock;
  /** The line door; absent: there is none. */
  readonly tcp?: TcpOptions;
  /** A file that is to hold everybody who is connected; absent: none. */
  readonly clientsFile?: string;
  /** Who may read `/metrics`; default `local`. */
  readonly metrics?: MetricsExposure;
  /** The file of the log, whose size is one of the metrics; absent when it is in memory. */
  readonly database?: string;
}

/** How the line door opens. */
export interface TcpOptions {
  /** 0 lets the system pick one. */
  readonly port: number;
  /** Default: the hub's own. */
  readonly host?: string;
}

/** The port of the line door cannot be had; why is the `cause`. */
export class TcpListenError extends Error {
  override readonly name = "TcpListenError";
}

/** A running hub. Disposing of it is `stop()`. */
export interface Server extends AsyncDisposable {
  readonly host: string;
  /** What it listens on: for `localhost`, the addresses of IPv4 and IPv6 that there are. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** `ws://` (or `wss://`) address for a client on this machine. */
  readonly url: string;
  /** Of the line door, if there is one. */
  readonly tcpPort: number | undefined;
  /** Connections at this moment. */
  readonly online: number;
  /**
   * Takes another certificate, for a hub that was started with one: everybody is told 1001, finds
   * the same port again, and goes on where it was.
   */
  renew(tls: KeyPair): Promise<void>;
  /**
   * Lets nobody new in, says 1001 to everybody, lets the log commit, and resolves when the port is
   * free.
   *
   * @param drain milliseconds over which the goodbyes are spread; whoever was not told yet is served.
   */
  stop(reason?: string, drain?: number): Promise<void>;
}

/**
 * Starts a hub.
 *
 * The broker is still the caller's when this throws.
 *
 * @throws {Deno.errors.AddrInUse} when the port is taken.
 * @throws {TcpListenError} when that of the line door is.
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
  const lines = open(() => tcp === undefined ? [] : openLineDoors(tcp));
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
  // Last: who cannot have the port must not empty the file of the hub that has it.
  const [clientsFile] = open(() => file === undefined ? [] : [new ClientsFile(file, hub, clock)]);
  // Text that is kept for seconds must not stay in the files for a minute.
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

  /** Opens some parts; if that fails, the parts before are closed: nobody has come in yet. */
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

  function openLineDoors(tcp: TcpOptions): readonly TcpServer[] {
    try {
      return bindAll(addressesOf(tcp.host ?? host), tcp.port, openLineDoor);
    } catch (cause) {
      throw new TcpListenError("Cannot open the line door", { cause });
    }
  }

  function openLineDoor(host: string, port: number): TcpServer {
    return new TcpServer({ hub, limits, clock, host, port });
  }

  function listen(host: string, port: number): HttpListener {
    return new HttpListener({
      host,
      port,
      handler: (request, info) => router.handle(request, info),
      clock,
      ...(options.tls === undefined ? {} : { tls: options.tls }),
    });
  }

  /** First the goodbyes: closing the listener would say its own in their place. */
  async function goodbyes(said: Promise<void>): Promise<"close" | "abort"> {
    return await settledWithin(said, GOODBYE_TIMEOUT) ? "close" : "abort";
  }

  /** What came in as plain lines has no certificate, and goes on. */
  async function renew(tls: KeyPair): Promise<void> {
    if (stopped !== undefined) return;
    const reason = "The hub has a new certificate: reconnect";
    limiter.shutdown = { reason, retryAfter: () => 1, closesTcp: false };
    await hub.disconnectAll(reason, (peer) => peer.transport.kind !== "tcp");
    hosts = hostList(tls);
    const how = await goodbyes(limiter.empty(["websocket", "sse"]));
    await Promise.all(listeners.map((listener) => listener.renew(tls, how)));
    // Stopping may have begun meanwhile; it waits for this, and has its own reason.
    if (limiter.shutdown.reason === reason) limiter.shutdown = undefined;
  }

  async function stop(reason: string, drain: number): Promise<void> {
    const end = clock.monotonic() + drain;
    limiter.shutdown = {
      reason,
      retryAfter: () => retryAfterShutdown(end - clock.monotonic(), Math.random()),
      closesTcp: true,
    };
    for (const each of lines) each.close(reason);
    // Whatever became of it was told to whoever asked for it.
    await renewing.catch(() => undefined);
    await hub.drain(reason, drain);
    cancelTrimming();
    await hub.stop(reason);
    const how = await goodbyes(limiter.empty());
    await Promise.all(listeners.map((listener) => listener.end(how)));
    await Promise.all(lines.map((each) => each[Symbol.asyncDispose]()));
    await clientsFile?.[Symbol.asyncDispose]();
    await hub[Symbol.asyncDispose]();
    logger.info(
      "Stopped after {connections} connections ({turnedAway} turned away), {messages} messages " +
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
    tcpPort: lines[0]?.port,
    url: `${options.tls === undefined ? "ws" : "wss"}://${localName(host, addresses)}:${bound}/`,
    get online(): number {
      return hub.online;
    },
    // One after the other: each needs a listener that is open.
    renew: (tls) => renewing = renewing.catch(() => undefined).then(() => renew(tls)),
    stop: (reason = "The hub is stopping", drain = 0) => stopped ??= stop(reason, drain),
    async [Symbol.asyncDispose](): Promise<void> {
      await this.stop();
    },
  };
}

/** How a client on this machine names a hub bound to `host`. */
function localName(host: string, addresses: readonly string[]): string {
  if (host.toLowerCase() === "localhost") return "localhost";
  // Asked for as it may be: `0` and `::0` are all addresses, too.
  if (addresses.some((address) => address === "0.0.0.0" || address === "::")) return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
