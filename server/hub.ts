import { getLogger } from "@logtape/logtape";
import { type Authorizer, type Grant, OPEN } from "../auth/authorizer.ts";
import type { Cancel, ServerClock } from "../lib/clock.ts";
import { CLOSE, GRACE_SECONDS, type RoomPosition } from "../protocol.ts";
import { Authentication, checkTokenExpiry } from "./authentication.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { DirectMessages } from "./direct_messages.ts";
import { disconnectGradually } from "./drain.ts";
import type { Encoder } from "./encoders/encoder.ts";
import { SSE_ENCODER, WAKE_ENCODER } from "./encoders/sse.ts";
import { FlushQueue } from "./flush_queue.ts";
import { type ConnectParams, Handshake } from "./handshake.ts";
import { HttpPublisher } from "./http_publisher.ts";
import { HubQueries } from "./hub_queries.ts";
import { ConnectionLimiter } from "./limits/connection_limiter.ts";
import { RequestQuotas } from "./limits/request_quotas.ts";
import { RoomLimiter, type RoomRefusal } from "./limits/room_limiter.ts";
import type { ServerLimits } from "./limits/server_limits.ts";
import { Counters } from "./metrics/counters.ts";
import { ThroughputMeter } from "./metrics/throughput.ts";
import { Moderation } from "./moderation/moderation.ts";
import { Sanctions } from "./moderation/sanctions.ts";
import { OwnedNames } from "./names/owned_names.ts";
import { Publisher } from "./publisher.ts";
import { Requests } from "./requests.ts";
import { broadcast } from "./room.ts";
import { RoomAdmission } from "./room_admission.ts";
import { RoomMembership } from "./room_membership.ts";
import { Sessions } from "./sessions.ts";
import type { HubStorage } from "./storage.ts";
import { tracesFrames } from "./traffic_log.ts";
import type { Transport } from "./transport.ts";

const logger = getLogger(["bcast", "hub"]);

/** Milliseconds between two checks for expired sessions, tokens and limits. */
const SWEEP_PERIOD = 1000;

export interface HubOptions extends HubStorage {
  /** The rooms of clients that name none. */
  readonly rooms: readonly string[];
  readonly limits: ServerLimits;
  readonly clock: ServerClock;
  /** Default: no token is required. */
  readonly authorizer?: Authorizer;
}

/**
 * Builds the parts of the hub and connects them: input from connections goes into the log, and from
 * there to the connections of its room. Knows neither sockets nor HTTP.
 */
export class Hub implements AsyncDisposable {
  readonly counters = new Counters();
  /** Decides about new connections of all transports. */
  readonly limiter: ConnectionLimiter;
  readonly #quotas: RequestQuotas;
  readonly queries: HubQueries;
  readonly authentication: Authentication;
  readonly httpPublisher: HttpPublisher;
  readonly moderation: Moderation;
  readonly #clock: ServerClock;
  readonly #limits: ServerLimits;
  readonly #connections = new Set<Connection>();
  readonly #connectionOptions: ConnectionOptions;
  readonly #sanctions: Sanctions;
  readonly #ownedNames: OwnedNames;
  readonly #rooms: RoomMembership;
  readonly #roomLimiter: RoomLimiter;
  readonly #sessions: Sessions;
  readonly #throughput: ThroughputMeter;
  readonly #publisher: Publisher;
  readonly #handshake: Handshake;
  readonly #appendTimer: Disposable;
  readonly #cancelSweep: Cancel;
  #lastId = 0;
  #draining = false;
  #stopping = false;

  constructor(options: HubOptions) {
    const { broker, clock, limits, rooms: defaultRooms, authorizer = OPEN } = options;
    const { counters } = this;
    const { recent: replay } = limits;
    this.#clock = clock;
    this.#limits = limits;
    this.#quotas = new RequestQuotas(limits, clock);
    this.#throughput = new ThroughputMeter(counters, clock, SWEEP_PERIOD);
    this.authentication = new Authentication(authorizer, limits, clock, counters);
    const rooms = this.#rooms = new RoomMembership({ broker, clock, counters, replay });
    this.#roomLimiter = new RoomLimiter({ broker, rooms, clock, limits, defaultRooms });
    const sanctions = this.#sanctions = new Sanctions(options.sanctions, clock);
    this.#ownedNames = new OwnedNames(options.ownedNames, clock);
    const sessions = this.#sessions = new Sessions(
      rooms,
      clock,
      this.#ownedNames,
      (session) => sanctions.applyMute(session),
    );
    const moderation = this.moderation = new Moderation({
      broadcast,
      sanctions,
      clock,
      rooms,
      sessions,
      connections: () => this.#connections,
    });
    this.limiter = new ConnectionLimiter({
      limits,
      clock,
      counters,
      authentication: this.authentication,
      moderation,
      quotas: this.#quotas,
      online: () => this.online,
    });
    const publisher = this.#publisher = new Publisher(broker, counters);
    this.httpPublisher = new HttpPublisher({
      publisher,
      sessions,
      moderation,
      clock,
      admitRoom: (room, address) => this.admitRoom(room, address),
    });
    const handshake = this.#handshake = new Handshake({
      authentication: this.authentication,
      moderation,
      limits,
      counters,
      rooms,
      admission: new RoomAdmission({ limits, moderation, rooms, roomLimiter: this.#roomLimiter }),
      sessions,
      defaultRooms,
      now: () => clock.now(),
    });
    const requests = new Requests({
      broker,
      clock,
      limits,
      moderation,
      rooms,
      sessions,
      publisher,
      handshake,
      directMessages: new DirectMessages(sessions, clock),
      quotas: this.#quotas,
    });
    this.#connectionOptions = {
      limits,
      clock,
      counters,
      flushQueue: new FlushQueue(),
      requests,
      tracing: tracesFrames(),
      onClose: (connection, code) => this.#onClose(connection, code),
    };
    this.queries = new HubQueries({
      broker,
      clock,
      counters,
      throughput: this.#throughput,
      rooms,
      sessions,
      defaultRooms,
      connections: this.#connections,
    });
    this.#appendTimer = broker.observeAppends((milliseconds) => {
      counters.appendSeconds.observe(Math.max(0, milliseconds) / 1000);
    });
    this.#cancelSweep = clock.every(SWEEP_PERIOD, () => this.#sweep());
  }

  /** Current connections. */
  get online(): number {
    return this.#connections.size;
  }

  /**
   * Takes over an open connection. The transport passes its frames to
   * {@linkcode Connection.receive}, and its end to {@linkcode Connection.ended}.
   */
  connect(transport: Transport, params: ConnectParams): Connection {
    const connection = this.#open(transport, params);
    if (!params.encoder.requiresHello) {
      connection.runInOrder(() => this.#handshake.connectPlain(connection, params));
    }
    return connection;
  }

  /** Takes over a connection that only listens to rooms; `grant` must permit that. */
  subscribeAnonymously(
    transport: Transport,
    grant: Grant,
    positions: readonly RoomPosition[],
    encoder: Encoder = SSE_ENCODER,
  ): Connection {
    const connection = this.#open(transport, { grant, encoder, rooms: [] });
    connection.runInOrder(() => this.#handshake.subscribeAnonymously(connection, grant, positions));
    return connection;
  }

  /** Permits a request from `address` to use a room, which counts as a new one unless it exists. */
  admitRoom(
    room: string,
    address: string,
  ): RoomRefusal | undefined | Promise<RoomRefusal | undefined> {
    return this.#roomLimiter.admit(room, this.#quotas.keyOf(address));
  }

  #open(transport: Transport, { encoder, grant, token }: ConnectParams): Connection {
    const { address, port } = transport;
    const connection = new Connection(this.#connectionOptions, {
      id: `c${++this.#lastId}`,
      transport,
      encoder,
      bucket: this.#quotas.connectionBucket(address),
      network: this.#quotas.keyOf(address),
      grant,
      token,
    });
    this.#connections.add(connection);
    this.counters.connections++;
    logger[logLevel(connection)](
      "{connection} connected from {address}{port} as {dialect} ({clients} online)",
      {
        connection: connection.id,
        address,
        port: port === undefined ? "" : ` port ${port}`,
        dialect: encoder.name,
        clients: this.online,
      },
    );
    return connection;
  }

  #onClose(connection: Connection, code: number): void {
    this.#connections.delete(connection);
    this.counters.countClose(code);
    this.counters.received += connection.received;
    this.counters.sent += connection.sent;
    const name = connection.label;
    const mayResume = connection.saidHello && code !== CLOSE.normal && !this.#stopping;
    // During a drain all clients are coming back, so none is announced as gone.
    const grace = this.#draining ? Infinity : GRACE_SECONDS * 1000;
    this.#sessions.detach(connection, mayResume ? grace : 0);
    logger[logLevel(connection)](
      "{connection} {name} disconnected with {code}, frames rejected: {refusals} ({clients} online)",
      {
        connection: connection.id,
        name,
        code,
        refusals: connection.refusals,
        clients: this.online,
      },
    );
  }

  /** Resolves when everything published so far is in the log and was sent to its receivers. */
  async flush(): Promise<void> {
    await this.#publisher.flush();
    this.#rooms.flush();
  }

  /** Disconnects all clients for good, after everything published is in the log. */
  async stop(reason: string): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    await this.disconnectAll(reason);
  }

  /** Disconnects clients one after the other over `duration` milliseconds, and serves the others. */
  async drain(reason: string, duration: number): Promise<void> {
    if (this.#stopping || duration <= 0) return;
    this.#draining = true;
    await disconnectGradually(
      this.#connections,
      duration,
      this.#clock,
      (connection) => this.#disconnect(connection, reason),
    );
  }

  /** Disconnects the clients that `which` selects. Their sessions wait for them. */
  async disconnectAll(
    reason: string,
    which: (connection: Connection) => boolean = () => true,
  ): Promise<void> {
    await this.flush();
    for (const connection of this.#connections) {
      if (which(connection)) this.#disconnect(connection, reason);
    }
  }

  #disconnect(connection: Connection, reason: string): void {
    if (connection.session !== undefined && !connection.encoder.batches) {
      const timestamp = new Date(this.#clock.now()).toISOString();
      connection.sendControl({ type: "system", message: reason, timestamp, event: "shutdown" });
    }
    connection.close(CLOSE.goingAway, reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("The hub is stopping");
    this.#cancelSweep();
    this.#appendTimer[Symbol.dispose]();
    this.#rooms.stop();
    await this.#ownedNames.save();
  }

  #sweep(): void {
    const now = this.#clock.now();
    this.#throughput.sample();
    this.#rooms.expire();
    this.#sessions.sweep(now);
    this.#ownedNames.sweep();
    this.authentication.sweep(now);
    this.limiter.sweep();
    this.#quotas.sweep(now);
    this.#roomLimiter.sweep(now);
    this.#sanctions.sweep().catch((error) => {
      // The broker reports the cause; this is retried every second.
      logger.debug("Cannot remove expired sanctions: {error}", { error });
    });
    const { helloTimeout } = this.#limits;
    for (const connection of this.#connections) {
      const { session } = connection;
      if (session !== undefined) checkTokenExpiry(connection, session.grant, now);
      else if (now - connection.since > helloTimeout * 1000) {
        connection.close(CLOSE.helloTimeout, `No hello within ${helloTimeout} seconds`);
      }
    }
  }
}

/** A request that waits for the next message is soon repeated: it is not worth a line by default. */
function logLevel({ encoder }: Connection): "info" | "debug" {
  return encoder === WAKE_ENCODER ? "debug" : "info";
}
