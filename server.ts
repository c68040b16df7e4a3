import { getLogger } from "@logtape/logtape";
import { type Authorizer, OPEN } from "./auth/authorizer.ts";
import type { Broker } from "./broker/broker.ts";
import { api } from "./http/api.ts";
import { Gate, isLocalHost } from "./http/gate.ts";
import { Listener } from "./http/listener.ts";
import { routes } from "./http/routes.ts";
import { WebSocketDoor } from "./http/ws.ts";
import { type Clock, systemClock } from "./hub/clock.ts";
import { Hub } from "./hub/hub.ts";
import { type ServerLimits, serverLimits } from "./hub/limits.ts";
import { DEFAULT_PORT, DEFAULT_ROOM } from "./protocol.ts";

export { DEFAULT_SERVER_LIMITS, type ServerLimits } from "./hub/limits.ts";

const logger = getLogger(["bcast", "server"]);

/** Milliseconds that connections have to end after the hub said goodbye. */
const GOODBYE_TIMEOUT = 1000;

/** Milliseconds that requests have to end once nobody is connected. */
const SHUTDOWN_TIMEOUT = 250;

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
  /** Who may come in; default: everybody. */
  readonly authorizer?: Authorizer;
  /** Origins whose pages may talk to the hub beside its own: `https://example.org`, `null`, `*`. */
  readonly origins?: readonly string[];
  /** Networks (`10.0.0.0/8`) of proxies whose word on where a request comes from is taken. */
  readonly trustedProxies?: readonly string[];
  /** Default: the machine's own. */
  readonly clock?: Clock;
}

/** A running hub. Disposing of it is `stop()`. */
export interface Server extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** `ws://` address for a client on this machine. */
  readonly url: string;
  /** Connections at this moment. */
  readonly online: number;
  /** Says 1001 to everybody, lets the log commit, and resolves when the port is free. */
  stop(reason?: string): Promise<void>;
}

/**
 * Starts a hub.
 *
 * @throws {Deno.errors.AddrInUse} when the port is taken; the broker is then still the caller's.
 */
export function startServer(options: ServerOptions): Server {
  const { host = "localhost", port = DEFAULT_PORT, rooms = [DEFAULT_ROOM], broker } = options;
  const { authorizer = OPEN, origins = [], trustedProxies = [] } = options;
  const clock = options.clock ?? systemClock;
  const limits = serverLimits(options.limits);
  const hub = new Hub({ broker, rooms, limits, clock, authorizer });
  const door = new WebSocketDoor(hub);
  const gate = new Gate(hub, { origins, trustedProxies, local: isLocalHost(host) });
  const abort = new AbortController();
  let stopped: Promise<void> | undefined;
  const listener = listen();
  const trimming = clock.every(TRIM_PERIOD, () => {
    broker.trim().then((dropped) => {
      if (dropped > 0) logger.debug("Retention dropped {dropped} messages", { dropped });
    }).catch((error) => logger.error("Cannot trim the log: {error}", { error }));
  });

  function listen(): Listener {
    const answer = routes({
      hub,
      door,
      gate,
      api: api(hub.overview),
      limits,
      stopping: () => stopped !== undefined,
    });
    const serve = (port: number): Deno.HttpServer<Deno.NetAddr> =>
      Deno.serve({
        hostname: host,
        port,
        signal: abort.signal,
        onListen: () => {},
        onError(error) {
          logger.error("A request met a fault: {error}", { error });
          return new Response("The hub had a fault\n", { status: 500 });
        },
      }, answer);
    try {
      return new Listener(serve, port, clock);
    } catch (error) {
      // Nobody has come in yet: there is nothing to wait for.
      void hub[Symbol.asyncDispose]();
      throw error;
    }
  }

  async function stop(reason: string): Promise<void> {
    trimming[Symbol.dispose]();
    await hub.stop(reason);
    // First the goodbyes: shutting the listener down would say its own in their place.
    if (!await settlesWithin(door.empty(), GOODBYE_TIMEOUT)) abort.abort();
    // Deno 2.7 would wait for ever for a handshake that was never finished; the port is free by then.
    await settlesWithin(listener.shutdown(), SHUTDOWN_TIMEOUT);
    await hub[Symbol.asyncDispose]();
    logger.info(
      "Stopped after {connections} connections ({turnedAway} turned away), {messages} messages " +
        "({duplicates} repeats), {deliveries} deliveries, {resumes} resumes, {slowConsumers} slow " +
        "consumers, {refused} frames and {tokensRefused} tokens refused",
      { ...hub.counters.totals },
    );
    await broker[Symbol.asyncDispose]();
  }

  const { port: bound } = listener;
  return {
    host,
    port: bound,
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
