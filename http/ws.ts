import { dialectOf, PLAIN_JSON, TEXT } from "../hub/dialect.ts";
import type { Hub, Introduction } from "../hub/hub.ts";
import { networkOf } from "../hub/networks.ts";
import type { Peer } from "../hub/peer.ts";
import { isRoomName } from "../protocol.ts";

/** Close code of a connection that broke without a close frame (RFC 6455 section 7.1.5). */
const ABNORMAL = 1006;

/** The introduction of a client that asks for an upgrade, or why it cannot have one. */
export type Greeting =
  | { readonly ok: true; readonly introduction: Introduction; readonly protocol?: string }
  | { readonly ok: false; readonly reason: string };

/** Reads what a client says of itself in the URL and the subprotocols it asks for. */
export function readGreeting(
  searchParams: URLSearchParams,
  headers: Headers,
  address: string,
): Greeting {
  const rooms = searchParams.getAll("room");
  const wrong = rooms.find((room) => !isRoomName(room));
  if (wrong !== undefined) {
    const reason = "A room is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit";
    return { ok: false, reason };
  }
  const sender = searchParams.get("sender");
  const asked = headers.get("sec-websocket-protocol")?.split(",") ?? [];
  // In the client's order of preference (RFC 6455 section 4.1).
  const protocol = asked.map((name) => name.trim()).find((name) => dialectOf(name) !== undefined);
  const dialect = protocol !== undefined
    ? dialectOf(protocol) ?? PLAIN_JSON
    : searchParams.get("format") === "text"
    ? TEXT
    : PLAIN_JSON;
  return {
    ok: true,
    introduction: { address, dialect, rooms, ...(sender === null ? {} : { sender }) },
    ...(protocol === undefined ? {} : { protocol }),
  };
}

/**
 * Ties WebSockets to the hub. The handlers are shared by all sockets and find the peer by the
 * socket: with ten thousand connections, closures of each would be most of what the hub costs.
 */
export class WebSocketDoor {
  readonly #peers = new WeakMap<EventTarget, Peer>();
  readonly #introductions = new WeakMap<EventTarget, Introduction>();
  readonly #byNetwork = new Map<string, number>();
  #open = 0;
  #whenEmpty: (() => void) | undefined;

  constructor(private readonly hub: Hub) {}

  /**
   * Upgrades a request (RFC 6455 section 4.2).
   *
   * @param heartbeat seconds of silence after which the connection is gone; 0 for never.
   * @throws {TypeError} when the request is not a valid WebSocket handshake.
   */
  upgrade(
    request: Request,
    { introduction, protocol }: Extract<Greeting, { ok: true }>,
    heartbeat: number,
  ): Response {
    const { socket, response } = Deno.upgradeWebSocket(request, {
      idleTimeout: heartbeat,
      ...(protocol === undefined ? {} : { protocol }),
    });
    this.#introductions.set(socket, introduction);
    socket.addEventListener("open", this.#onOpen);
    socket.addEventListener("message", this.#onMessage);
    socket.addEventListener("close", this.#onClose);
    // No listener for "error": a close event follows, and what is in the error helps nobody.
    return response;
  }

  /**
   * Sockets that are open, those included that the hub has closed and whose other side has not
   * agreed: what was sent to a client that no longer reads stays in memory until it does, so such
   * sockets must count wherever connections are limited.
   */
  get sockets(): number {
    return this.#open;
  }

  /** Those of them that come from `network`, as `networkOf()` names it. */
  socketsFrom(network: string): number {
    return this.#byNetwork.get(network) ?? 0;
  }

  /** Resolves when the last socket is closed, from both sides. */
  async empty(): Promise<void> {
    if (this.#open > 0) await new Promise<void>((resolve) => this.#whenEmpty = resolve);
  }

  readonly #onOpen = (event: Event): void => {
    const socket = event.currentTarget;
    if (!(socket instanceof WebSocket)) return;
    const introduction = this.#introductions.get(socket);
    if (introduction === undefined) return;
    this.#introductions.delete(socket);
    this.count(introduction.address, 1);
    this.#peers.set(socket, this.hub.connect(socket, introduction));
  };

  readonly #onMessage = (event: MessageEvent): void => {
    const peer = this.#peerOf(event);
    if (peer === undefined) return;
    if (typeof event.data === "string") this.hub.receive(peer, event.data);
    else this.hub.receiveBinary(peer);
  };

  readonly #onClose = (event: CloseEvent): void => {
    const peer = this.#peerOf(event);
    if (peer === undefined || event.currentTarget === null) return;
    // The runtime may tell of one end twice: for a missing pong, and for the socket.
    this.#peers.delete(event.currentTarget);
    this.hub.gone(peer, event.code === 0 ? ABNORMAL : event.code);
    this.count(peer.address, -1);
  };

  /** Counts a connection that came or went; those too that are no WebSocket but take up as much. */
  count(address: string, change: 1 | -1): void {
    this.#open += change;
    const network = networkOf(address);
    const present = this.socketsFrom(network) + change;
    if (present > 0) this.#byNetwork.set(network, present);
    else this.#byNetwork.delete(network);
    if (this.#open === 0) this.#whenEmpty?.();
  }

  #peerOf(event: Event): Peer | undefined {
    return event.currentTarget === null ? undefined : this.#peers.get(event.currentTarget);
  }
}
