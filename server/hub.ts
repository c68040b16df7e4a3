import { getLogger } from "@logtape/logtape";
import { type Authorizer, type Grant, OPEN } from "../auth/authorizer.ts";
import { CLOSE, type ErrorCode, GRACE_SECONDS, type RoomPosition } from "../protocol.ts";
import { Authentication } from "./authentication.ts";
import { collectStats, type ConnectedClient, connectedClients, type HubStats } from "./stats.ts";
import type { Cancel, ServerClock } from "../lib/clock.ts";
import { Counters } from "./metrics/counters.ts";
import type { Encoder } from "./encoders/encoder.ts";
import { broadcast } from "./broadcast.ts";
import { SSE_ENCODER } from "./encoders/sse.ts";
import { checkExpiry } from "./token_expiry.ts";
import { disconnectGradually } from "./drain.ts";
import { InputQueue } from "./input_queue.ts";
import { isLoopback } from "../lib/net.ts";
import { ADDRESS_BURST_SECONDS, type ServerLimits } from "./limits/server_limits.ts";
import { Sanctions } from "./moderation/sanctions.ts";
import { Moderation } from "./moderation/moderation.ts";
import { networkOf } from "./limits/networks.ts";
import { OwnedNames } from "./owned_names.ts";
import { HubQueries } from "./hub_queries.ts";
import { Connection, type ConnectionContext } from "./connection.ts";
import type { Transport } from "./transport.ts";
import { HttpPublisher } from "./http_publisher.ts";
import { Publication, Publisher } from "./publisher.ts";
import { TokenBucket, TokenBuckets } from "./limits/token_bucket.ts";
import { ThroughputMeter } from "./metrics/throughput.ts";
import { Handshake } from "./handshake.ts";
import { Requests } from "./requests.ts";
import { RoomLimiter, type RoomRefusal } from "./limits/room_limiter.ts";
import { RoomMembership } from "./room_membership.ts";
import { Sessions } from "./sessions.ts";
import type { HubStorage } from "./storage.ts";
import { TracedTransport, traceFrame, tracesFrames } from "./frame_trace.ts";
import { FlushQueue } from "./flush_queue.ts";
import { ConnectionLimiter } from "./limits/connection_limiter.ts";

const logger = getLogger(["bcast", "hub"]);

/** Milliseconds between looks for whose time has run out. */
const SWEEP_PERIOD = 1000;

/** What a hub is made of. */
export interface HubOptions extends HubStorage {
  /** The rooms of clients that name none. */
  readonly rooms: readonly string[];
  readonly limits: ServerLimits;
  readonly clock: ServerClock;
  /** Who may come in; default: everybody. */
  readonly authorizer?: Authorizer;
}

/** What a client says of itself before its first frame. */
export interface ConnectParams {
  readonly encoder: Encoder;
  /** The wanted name, as it stands in the query. */
  readonly sender?: string | undefined;
  /** Rooms of the query; none: the hub's own. */
  readonly rooms: readonly string[];
  /** What it may do, where its token was checked already. */
  readonly grant?: Grant | undefined;
  /** The token it came with, to be checked at its `hello` if that brings none. */
  readonly token?: string | undefined;
}

/**
 * The hub: connections come in at one end, messages go through the log and come out at all others.
 * Knows neither sockets nor HTTP.
 */
export class Hub implements ConnectionContext, AsyncDisposable {
  readonly counters = new Counters();
  /** Decides about connections of all transports. */
  readonly limiter: ConnectionLimiter;
  /** What those are told who look on from outside. */
  readonly queries: HubQueries;
  /** Checks tokens, for those who come in and for those who ask over HTTP. */
  readonly authentication: Authentication;
  /** Takes messages of those who are not connected. */
  readonly httpPublisher: HttpPublisher;
  /** Keeps order, and says whom others have kept out. */
  readonly moderation: Moderation;
  readonly #sanctions: Sanctions;
  readonly #ownedNames: OwnedNames;
  readonly #peers = new Set<Connection>();
  readonly #turn = new FlushQueue();
  readonly #rooms: RoomMembership;
  readonly #registry: RoomLimiter;
  readonly #sessions: Sessions;
  readonly #rates: ThroughputMeter;
  readonly #publisher: Publisher;
  readonly #reception: Handshake;
  readonly #intake: InputQueue;
  readonly #addresses: TokenBuckets;
  /** As the rate of a connection, for those who have none. */
  readonly #visitors: TokenBuckets;
  readonly #subscription: Disposable;
  readonly #cancelSweep: Cancel;
  readonly #tracing = tracesFrames();
  #lastId = 0;
  #draining = false;
  #stopping = false;

  constructor(private readonly options: HubOptions) {
    const { broker, clock, limits, authorizer = OPEN } = options;
    this.authentication = new Authentication(authorizer, limits, clock, this.counters);
    const { ratePerAddress } = limits;
    this.#addresses = new TokenBuckets(ratePerAddress, ratePerAddress * ADDRESS_BURST_SECONDS);
    this.#visitors = new TokenBuckets(limits.rate, limits.burst);
    this.#rooms = new RoomMembership(broker, clock, this.counters, limits.replay);
    const registry = this.#registry = new RoomLimiter({
      broker,
      rooms: this.#rooms,
      clock,
      limits,
      defaultRooms: options.rooms,
    });
    const sanctions = this.#sanctions = new Sanctions(options.sanctions, clock);
    this.#ownedNames = new OwnedNames(options.ownedNames, clock);
    this.#sessions = new Sessions(
      this.#rooms,
      clock,
      this.#ownedNames,
      (session) => sanctions.applyMute(session),
    );
    this.moderation = new Moderation({
      broadcast,
      sanctions,
      clock,
      rooms: this.#rooms,
      sessions: this.#sessions,
      connections: () => this.#peers,
    });
    this.limiter = new ConnectionLimiter({
      limits,
      clock,
      counters: this.counters,
      authentication: this.authentication,
      moderation: this.moderation,
      consumeAddressQuota: (address) => this.consumeAddressQuota(address),
      online: () => this.online,
    });
    this.#publisher = new Publisher(broker, clock, this.counters);
    this.httpPublisher = new HttpPublisher({
      publisher: this.#publisher,
      sessions: this.#sessions,
      moderation: this.moderation,
      clock,
      admitRoom: (room, address) => this.admitRoom(room, address),
    });
    this.#reception = new Handshake({
      admission: this.authentication,
      moderation: this.moderation,
      limits,
      counters: this.counters,
      rooms: this.#rooms,
      registry,
      sessions: this.#sessions,
      defaultRooms: options.rooms,
      now: () => clock.now(),
    });
    const requests = new Requests({
      broker,
      clock,
      limits,
      moderation: this.moderation,
      rooms: this.#rooms,
      registry,
      sessions: this.#sessions,
      publisher: this.#publisher,
      reception: this.#reception,
      addresses: this.#addresses,
    });
    this.#intake = new InputQueue(requests, limits, clock);
    this.#rates = new ThroughputMeter(this.counters, clock, SWEEP_PERIOD);
    this.queries = new HubQueries({
      broker,
      clock,
      counters: this.counters,
      rates: this.#rates,
      rooms: this.#rooms,
      sessions: this.#sessions,
      defaultRooms: options.rooms,
      connections: () => this.online,
    });
    this.#subscription = broker.subscribe((messages, drafts) => {
      if (drafts !== undefined) this.#publisher.stored();
      this.#rooms.deliver(messages, (index) => {
        const draft = drafts?.[index];
        return draft instanceof Publication ? draft.session : undefined;
      });
    });
    this.#cancelSweep = clock.every(SWEEP_PERIOD, () => this.#tick());
  }

  /** Connections at this moment. */
  get online(): number {
    return this.#peers.size;
  }

  get maxOutboxBytes(): number {
    return this.options.limits.maxOutboxBytes;
  }

  /**
   * Takes an address's share for one request or connection. Returns 0, or the seconds until it has
   * one again.
   */
  consumeAddressQuota(address: string): number {
    return this.#isLimited(address) ? this.#addresses.take(networkOf(address), this.now()) : 0;
  }

  /**
   * Takes a share of what one client may ask of rooms without a connection: that of the person whom
   * a token names, or of the address. Returns 0, or the seconds until there is one again.
   */
  consumePublishQuota(address: string, name: string | undefined): number {
    if (!this.#isLimited(address)) return 0;
    // No address has a space in it.
    const key = name === undefined ? networkOf(address) : `name ${name}`;
    return this.#visitors.take(key, this.now());
  }

  /** Lets a room come into being for a request from `address`, unless it exists; else why not. */
  admitRoom(
    room: string,
    address: string,
  ): RoomRefusal | undefined | Promise<RoomRefusal | undefined> {
    return this.#registry.admit(room, this.#isLimited(address) ? networkOf(address) : undefined);
  }

  #isLimited(address: string): boolean {
    return this.options.limits.rateOnLoopback || !isLoopback(address);
  }

  /**
   * Everybody who is connected and has a name, in the order of coming. With a crowd, take your time:
   * who comes or goes meanwhile is in it or not.
   */
  people(): Generator<ConnectedClient, void, undefined> {
    return connectedClients(this.#peers);
  }

  /** Counts who is here. */
  census(): HubStats {
    return collectStats(this.#peers, this.#rooms, this.#sessions, this.counters);
  }

  /** Takes in an open connection. Its frames go to {@linkcode receive}, its end to {@linkcode gone}. */
  connect(transport: Transport, introduction: ConnectParams): Connection {
    const peer = this.#admit(transport, introduction);
    if (!peer.encoder.requiresHello) {
      this.#intake.inOrder(peer, () => this.#reception.connectPlain(peer, introduction));
    }
    return peer;
  }

  /**
   * Takes in somebody who listens to one room and can say nothing; `grant` permits it. Its end goes
   * to {@linkcode gone}.
   */
  subscribeAnonymously(
    transport: Transport,
    grant: Grant,
    position: RoomPosition,
  ): Connection {
    const peer = this.#admit(transport, { grant, encoder: SSE_ENCODER, rooms: [] });
    this.#intake.inOrder(peer, () => this.#reception.subscribeAnonymously(peer, grant, position));
    return peer;
  }

  #admit(transport: Transport, introduction: ConnectParams): Connection {
    const { clock, limits } = this.options;
    const { address, port } = transport;
    const { encoder } = introduction;
    const limited = this.#isLimited(address);
    const bucket = limited && limits.rate > 0
      ? new TokenBucket(limits.rate, limits.burst, clock.now())
      : undefined;
    const network = limited ? networkOf(address) : undefined;
    const id = `c${++this.#lastId}`;
    const traced = this.#tracing ? new TracedTransport(transport, id) : transport;
    const peer = new Connection(id, encoder, traced, this, clock.now(), bucket, network);
    peer.grant = introduction.grant;
    peer.token = introduction.token;
    this.#peers.add(peer);
    this.counters.connections++;
    logger.info("{connection} connected from {address}{port} as {dialect} ({clients} online)", {
      connection: id,
      address,
      port: port === undefined ? "" : ` port ${port}`,
      dialect: encoder.name,
      clients: this.online,
    });
    return peer;
  }

  /** Takes a text frame. Never throws. */
  receive(peer: Connection, frame: string): void {
    if (this.#tracing) traceFrame(peer.id, "in", frame);
    this.#intake.receive(peer, frame);
  }

  /** Takes a binary frame: there is no such thing in the protocol. */
  receiveBinary(peer: Connection): void {
    this.counters.refused("bad_frame");
    peer.close(CLOSE.unsupported, "Binary frames are not understood: send text");
  }

  /** Answers with `line` what a text client sent that is no line; it counts as one in its rate. */
  reply(peer: Connection, line: string): void {
    this.#intake.reply(peer, line);
  }

  /** Takes the end of a connection, with the close code that the transport saw. */
  gone(peer: Connection, code: number): void {
    if (!this.#peers.delete(peer)) return;
    this.counters.close(code);
    this.counters.received += peer.received;
    this.counters.sent += peer.sent;
    peer.open = false;
    peer.backlog = undefined;
    peer.onBacklogDrained?.();
    const name = nameOf(peer);
    // Only who could come back is waited for.
    const returns = peer.saidHello && code !== CLOSE.normal && !this.#stopping;
    // Those who are still here while others are told to go see nobody leave: all come back.
    const grace = this.#draining ? Infinity : GRACE_SECONDS * 1000;
    this.#sessions.detach(peer, returns ? grace : 0);
    logger.info(
      "{connection} {name} disconnected with {code}, {refusals} frames refused ({clients} online)",
      {
        connection: peer.id,
        name,
        code,
        refusals: peer.refusals,
        clients: this.online,
      },
    );
  }

  /** Resolves when everything that was published so far is in the log and on its way to everybody. */
  async flush(): Promise<void> {
    await this.#publisher.flush();
    this.#rooms.flush();
  }

  /** Says goodbye to everybody for good, after what was published is in the log. */
  async stop(reason: string): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    await this.disconnectAll(reason);
  }

  /** Says goodbye to one after the other, over `duration` milliseconds, and serves the rest meanwhile. */
  async drain(reason: string, duration: number): Promise<void> {
    if (this.#stopping || duration <= 0) return;
    this.#draining = true;
    await disconnectGradually(
      this.#peers,
      duration,
      this.options.clock,
      (peer) => this.#dismiss(peer, reason),
    );
  }

  /** Sends everybody (of those whom `which` picks) away to come back at once: their sessions wait. */
  async disconnectAll(
    reason: string,
    which: (peer: Connection) => boolean = () => true,
  ): Promise<void> {
    await this.flush();
    for (const peer of this.#peers) if (which(peer)) this.#dismiss(peer, reason);
  }

  #dismiss(peer: Connection, reason: string): void {
    if (peer.session !== undefined && !peer.encoder.batches) {
      const timestamp = new Date(this.now()).toISOString();
      peer.sendControl({ type: "system", message: reason, timestamp, event: "shutdown" });
    }
    peer.close(CLOSE.goingAway, reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("The hub is stopping");
    this.#cancelSweep();
    this.#subscription[Symbol.dispose]();
    this.#rooms.stop();
    await this.#ownedNames.save();
  }

  now(): number {
    return this.options.clock.now();
  }

  flushLater(peer: Connection): void {
    this.#turn.add(peer);
  }

  slowConsumer(peer: Connection, waiting: number): void {
    this.counters.slowConsumers++;
    logger.warn("{connection} {name} fell behind with {waiting} bytes waiting: cut off", {
      connection: peer.id,
      name: nameOf(peer),
      waiting,
    });
  }

  refused(peer: Connection, code: ErrorCode, message: string): void {
    this.counters.refused(code);
    const fields = { connection: peer.id, name: nameOf(peer), code, message };
    // The first tells the operator; the rest is counted, and told when the connection ends.
    if (peer.refusals === 1) logger.info("{connection} {name} refused: {code}: {message}", fields);
    else logger.debug("{connection} {name} refused: {code}: {message}", fields);
  }

  fault(peer: Connection, error: unknown): void {
    logger.error("{connection} {name} met a fault: {error}", {
      connection: peer.id,
      name: nameOf(peer),
      error,
    });
  }

  #tick(): void {
    const now = this.now();
    this.#rates.sample();
    this.#rooms.expire();
    this.#sessions.sweep(now);
    this.#ownedNames.sweep();
    this.authentication.sweep(now);
    this.limiter.sweep();
    this.#sanctions.sweep().catch((error) => {
      // The log tells its operator; here it is tried again every second.
      logger.debug("Cannot forget what moderators decided and has run out: {error}", { error });
    });
    this.#addresses.sweep(now);
    this.#visitors.sweep(now);
    this.#registry.sweep(now);
    const { helloTimeout } = this.options.limits;
    for (const peer of this.#peers) {
      const { session } = peer;
      if (session !== undefined) checkExpiry(peer, session.grant, now);
      else if (now - peer.since > helloTimeout * 1000) {
        peer.close(CLOSE.helloTimeout, `No hello within ${helloTimeout} seconds`);
      }
    }
  }
}

/** For the log; before its `hello` a client has no name, and an event stream only its token's. */
function nameOf({ session }: Connection): string {
  return session?.identity ?? (session?.name || "(no name)");
}
