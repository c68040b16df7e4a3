/** A hub of a later version that plays the golden frames to a client. */
import { canonical, cut, type JsonFrame } from "./peer.ts";

/** A line of `frames/hub.ndjson`. */
export interface Golden {
  readonly name: string;
  readonly frame: JsonFrame;
  readonly expect: {
    /** Ids of the entries to show. */
    readonly show?: readonly number[];
    /** Ids of the entries that show nothing, but move the position. */
    readonly skip?: readonly number[];
    /** The position afterwards. */
    readonly position?: number;
    /** The frame changes nothing. */
    readonly ignore?: true;
    /** Fields as a client should understand them. */
    readonly read?: JsonFrame;
  };
}

/** Reads lines of JSON. */
export function parseLines<T>(text: string): readonly T[] {
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** Reports whether the client keeps a rule. */
export type Report = (ok: boolean, rule: string, saw: string) => void;

const EPOCH = "E1";

/**
 * Tests one client, over several connections that it makes one after the other:
 *
 * 1. plays all golden frames, then closes with 1001, which means: reconnect;
 * 2. expects the client's session and position, and sends a message with a gap before it;
 * 3. expects another connection with the same position, and closes with 4503: do not reconnect.
 */
export class LaterHub {
  /** Resolves at the end of the third step. */
  readonly done: Promise<void>;
  readonly #finish: () => void;
  #connections = 0;

  constructor(private readonly golden: readonly Golden[], private readonly report: Report) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.done = promise;
    this.#finish = resolve;
  }

  /** Answers a request: an upgrade to a WebSocket with the subprotocol `bcast.v1`. */
  handle(request: Request): Response {
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return new Response("Connect with a WebSocket\n", { status: 426 });
    }
    const offered = request.headers.get("sec-websocket-protocol")?.split(/, */) ?? [];
    if (!offered.includes("bcast.v1")) {
      this.report(false, "the client offers bcast.v1", offered.join(", "));
      return new Response("This hub speaks bcast.v1\n", { status: 400 });
    }
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "bcast.v1" });
    socket.onmessage = ({ data }) => {
      for (const line of String(data).split("\n")) {
        if (line.trim() !== "") this.#receive(socket, JSON.parse(line));
      }
    };
    return response;
  }

  #receive(socket: WebSocket, frame: JsonFrame): void {
    const { type, ref } = frame;
    if (type === "hello") return this.#hello(socket, frame);
    if (type === "ping") return send(socket, { type: "pong", ref });
    if (ref === undefined) return;
    const message = "This hub only plays its frames";
    send(socket, { type: "error", code: "unsupported", re: type, ref, final: true, message });
  }

  #hello(socket: WebSocket, hello: JsonFrame): void {
    const room = hello["rooms"]?.[0]?.room ?? "dev";
    const position = this.golden.findLast(({ expect }) => expect.position !== undefined)?.expect
      .position;
    const [welcome] = this.golden;
    this.#connections++;
    switch (this.#connections) {
      case 1:
        for (const { frame } of this.golden) send(socket, inRoom(frame, room));
        send(socket, { type: "bye", code: 1001, reconnect: true, retryAfter: 0, message: "Later" });
        socket.close(1001, "Later");
        return;
      case 2:
        this.#check("the client resumes its session", hello["session"], welcome?.frame["session"]);
        this.#check("the client has the position of the last frame", hello["rooms"], [
          { room, epoch: EPOCH, after: position },
        ]);
        if (welcome !== undefined) send(socket, inRoom(welcome.frame, room));
        send(socket, { ...joined(room, Number(position)), future: true });
        send(socket, { type: "live", room, id: position });
        send(socket, {
          ...{ type: "message", room, id: Number(position) + 5, sender: "Bob" },
          ...{ timestamp: "2026-01-01T10:00:00.000Z", message: "after a gap" },
        });
        return;
      case 3:
        this.#check("the client notices a gap, and reconnects with its position", hello["rooms"], [
          { room, epoch: EPOCH, after: position },
        ]);
        send(socket, { type: "bye", code: 4503, reconnect: false, message: "The end" });
        socket.close(4503, "The end");
        this.#finish();
        return;
      default:
        this.report(false, "the client does not reconnect after 4503", "another connection");
        socket.close(4503, "The end");
    }
  }

  #check(rule: string, actual: unknown, wanted: unknown): void {
    // A client may say more about a room than its position.
    const seen = Array.isArray(actual)
      ? actual.map(({ room, epoch, after }) => ({ room, epoch, after }))
      : actual;
    this.report(canonical(seen) === canonical(wanted), rule, cut(canonical(seen)));
  }
}

function joined(room: string, last: number): JsonFrame {
  return {
    type: "joined",
    room,
    epoch: EPOCH,
    first: 1,
    last,
    recovered: true,
    online: 1,
    members: [],
    messages: [],
    more: false,
  };
}

/** A golden frame for a client that is in `room` instead of `dev`. */
function inRoom(frame: JsonFrame, room: string): JsonFrame {
  const move = (value: unknown): unknown => value === "dev" ? room : value;
  return JSON.parse(JSON.stringify(frame, (_key, value) => move(value)));
}

function send(socket: WebSocket, frame: JsonFrame): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
}
