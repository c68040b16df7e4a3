import { getLogger } from "@logtape/logtape";
import type { Broker } from "./broker/broker.ts";
import type { MetricsExposure } from "./http/metrics.ts";
import { routes } from "./http/routes.ts";
import { WebSocketDoor } from "./http/ws.ts";
import { type Clock, systemClock } from "./hub/clock.ts";
import { Connections } from "./hub/connections.ts";
import { Hub } from "./hub/hub.ts";
import { DEFAULT_SERVER_LIMITS, type ServerLimits } from "./hub/limits.ts";
import { ClientsFile } from "./observe/clients_file.ts";
import { Monitor } from "./observe/monitor.ts";
import { DEFAULT_PORT, DEFAULT_ROOM } from "./protocol.ts";
import type { Admit } from "./tcp/admission.ts";
import { type LineDoor, listenTcp } from "./tcp/listen.ts";

export { DEFAULT_SERVER_LIMITS, type ServerLimits } from "./hub/limits.ts";

const logger = getLogger(["bcast", "server"]);

/** Milliseconds that connections have to end after the hub said goodbye. */
const GOODBYE_TIMEOUT = 1000;

/** Milliseconds between two looks for messages that retention no longer keeps. */
const TRIM_PERIOD = 60_000;

/** What a hub is told; everything but the broker has a default. */
export interface ServerOptions {
  /** The address to bind; default `localhost`. */
  readonly host?: string;
  /** Default 8765; 0 lets the system pick one. */
  readonly port?: number;
  /** The rooms of clients that name none; default `lobby`. */
  readonly rooms?: readonly string[];
  /** Where messages are kept; the server disposes of it. */
  readonly broker: Broker;
  readonly limits?: Partial<ServerLimits>;
  /** Default: the machine's own. */
  readonly clock?: Clock;
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
  /** Default: everybody may come in. */
  readonly admit?: Admit;
}

/** The port of the line door cannot be had; why is the `cause`. */
export class TcpListenError extends Error {
  override readonly name = "TcpListenError";
}

/** A running hub. Disposing of it is `stop()`. */
export interface Server extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** `ws://` address for a client on this machine. */
  readonly url: string;
  /** Of the line door, if there is one. */
  readonly tcpPort: number | undefined;
  /** Connections at this moment. */
  readonly online: number;
  /** Says 1001 to everybody, lets the log commit, and resolves when the port is free. */
  stop(reason?: string): Promise<void>;
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
  const { host = "localhost", port = DEFAULT_PORT, rooms = [DEFAULT_ROOM], broker } = options;
  const clock = options.clock ?? systemClock;
  const limits = { ...DEFAULT_SERVER_LIMITS, ...options.limits };
  const hub = new Hub({ broker, rooms, limits, clock });
  const connections = new Connections();
  const door = new WebSocketDoor(hub, connections);
  const abort = new AbortController();
  let stopped: Promise<void> | undefined;
  const { metrics: exposure = "local", database } = options;
  const monitor = new Monitor({ hub, clock, ...(database === undefined ? {} : { database }) });
  const opened: AsyncDisposable[] = [hub];
  const lines = options.tcp && open(openLineDoor, options.tcp);
  const listener = open(listen, port);
  // Last: who cannot have the port must not empty the file of the hub that has it.
  const clientsFile = options.clientsFile === undefined
    ? undefined
    : open((path: string) => new ClientsFile(path, hub, clock), options.clientsFile);
  const trimming = clock.every(TRIM_PERIOD, () => {
    broker.trim().then((dropped) => {
      if (dropped > 0) logger.debug("Retention dropped {dropped} messages", { dropped });
    }).catch((error) => logger.error("Cannot trim the log: {error}", { error }));
  });

  /** Opens one part; if that fails, the parts before are closed: nobody has come in yet. */
  function open<Options, Part extends object>(
    make: (options: Options) => Part,
    options: Options,
  ): Part {
    try {
      const part = make(options);
      if (Symbol.asyncDispose in part) opened.push(part as Part & AsyncDisposable);
      return part;
    } catch (error) {
      monitor[Symbol.dispose]();
      for (const part of opened) void part[Symbol.asyncDispose]();
      throw error;
    }
  }

  function openLineDoor(tcp: TcpOptions): LineDoor {
    try {
      return listenTcp({ hub, connections, limits, clock, host, ...tcp });
    } catch (cause) {
      throw new TcpListenError("Cannot open the line door", { cause });
    }
  }

  function listen(port: number): Deno.HttpServer<Deno.NetAddr> {
    return Deno.serve(
      {
        hostname: host,
        port,
        signal: abort.signal,
        onListen: () => {},
        onError(error) {
          logger.error("A request met a fault: {error}", { error });
          return new Response("The hub had a fault\n", { status: 500 });
        },
      },
      routes({
        hub,
        door,
        connections,
        limits,
        metrics: { exposure, monitor },
        stopping: () => stopped !== undefined,
      }),
    );
  }

  async function stop(reason: string): Promise<void> {
    trimming[Symbol.dispose]();
    monitor[Symbol.dispose]();
    lines?.close(reason);
    await hub.stop(reason);
    // First the goodbyes: shutting the listener down would say its own in their place.
    if (!await settlesWithin(connections.empty(), GOODBYE_TIMEOUT)) abort.abort();
    await listener.shutdown();
    await lines?.[Symbol.asyncDispose]();
    await clientsFile?.[Symbol.asyncDispose]();
    await hub[Symbol.asyncDispose]();
    logger.info(
      "Stopped after {connections} connections ({turnedAway} turned away), {messages} messages " +
        "({duplicates} repeats), {deliveries} deliveries, {resumes} resumes, {slowConsumers} slow " +
        "consumers, {refused} frames refused",
      { ...hub.counters.totals },
    );
    await broker[Symbol.asyncDispose]();
  }

  const { port: bound } = listener.addr;
  return {
    host,
    port: bound,
    tcpPort: lines?.port,
    url: `ws://${localName(host)}:${bound}/`,
    get online(): number {
      return hub.online;
    },
    stop: (reason = "The hub is stopping") => stopped ??= stop(reason),
    async [Symbol.asyncDispose](): Promise<void> {
      await this.stop();
    },
  };
}

/** How a client on this machine names a hub bound to `host`. */
function localName(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}

/** Whether `promise` settles within `milliseconds`. */
async function settlesWithin(promise: Promise<void>, milliseconds: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), milliseconds);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
