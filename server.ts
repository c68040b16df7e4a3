import { getLogger } from "@logtape/logtape";
import { type Authorizer, OPEN } from "./auth/authorizer.ts";
import type { Broker } from "./broker/broker.ts";
import { adminApi } from "./http/admin.ts";
import { api } from "./http/api.ts";
import { type Closure, returnAfterStop } from "./http/closure.ts";
import { Gate, isLocalHost } from "./http/gate.ts";
import { Health } from "./http/health.ts";
import { Listener } from "./http/listener.ts";
import { settlesWithin } from "./http/patience.ts";
import { routes } from "./http/routes.ts";
import type { KeyPair } from "./http/tls.ts";
import { WebSocketDoor } from "./http/ws.ts";
import { type Clock, systemClock } from "./hub/clock.ts";
import { Hub } from "./hub/hub.ts";
import { type ServerLimits, serverLimits } from "./hub/limits.ts";
import { DEFAULT_PORT, DEFAULT_ROOM } from "./protocol.ts";

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
  /** Who may come in; default: everybody. */
  readonly authorizer?: Authorizer;
  /** Origins whose pages may talk to the hub beside its own: `https://example.org`, `null`, `*`. */
  readonly origins?: readonly string[];
  /** Networks (`10.0.0.0/8`) of proxies whose word on where a request comes from is taken. */
  readonly trustedProxies?: readonly string[];
  /** Makes it `wss://`. */
  readonly tls?: KeyPair;
  /** Default: the machine's own. */
  readonly clock?: Clock;
}

/** A running hub. Disposing of it is `stop()`. */
export interface Server extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** `ws://` (or `wss://`) address for a client on this machine. */
  readonly url: string;
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
  let closure: Closure | undefined;
  let stopped: Promise<void> | undefined;
  let renewing: Promise<void> = Promise.resolve();
  const closed = (): Closure | undefined => closure;
  const health = new Health({ broker, clock, closed });
  const listener = listen();
  const trimming = clock.every(TRIM_PERIOD, () => {
    broker.trim().then((dropped) => {
      if (dropped > 0) logger.debug("Retention dropped {dropped} messages", { dropped });
    }).catch((error) => logger.error("Cannot trim the log: {error}", { error }));
  });

  function listen(): Listener {
    try {
      const answers = api(hub.overview, adminApi(hub));
      const handler = routes({ hub, door, gate, api: answers, limits, health, closed });
      return new Listener({
        host,
        port,
        handler,
        clock,
        ...(options.tls === undefined ? {} : { tls: options.tls }),
      });
    } catch (error) {
      // Nobody has come in yet: there is nothing to wait for.
      void hub[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** First the goodbyes: closing the listener would say its own in their place. */
  async function goodbyes(): Promise<"close" | "break"> {
    return await settlesWithin(door.empty(), GOODBYE_TIMEOUT) ? "close" : "break";
  }

  async function renew(tls: KeyPair): Promise<void> {
    if (stopped !== undefined) return;
    const reason = "The hub has a new certificate: reconnect";
    closure = { reason, retryAfter: () => 1 };
    await hub.dismissAll(reason);
    await listener.renew(tls, await goodbyes());
    // Stopping may have begun meanwhile; it waits for this, and has its own reason.
    if (closure.reason === reason) closure = undefined;
  }

  async function stop(reason: string, drain: number): Promise<void> {
    const end = clock.monotonic() + drain;
    closure = {
      reason,
      retryAfter: () => returnAfterStop(end - clock.monotonic(), Math.random()),
    };
    // Whatever became of it was told to whoever asked for it.
    await renewing.catch(() => undefined);
    await hub.drain(reason, drain);
    trimming[Symbol.dispose]();
    await hub.stop(reason);
    await listener.end(await goodbyes());
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
    url: `${options.tls === undefined ? "ws" : "wss"}://${localName(host)}:${bound}/`,
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
function localName(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
