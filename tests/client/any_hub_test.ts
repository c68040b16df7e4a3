import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { type ClientConnection, type ClientEvent, connect } from "../../client.ts";
import { type Hello, splitBatch } from "../../protocol.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { MemorySocket } from "../kit/memory_socket.ts";
import { ack, joined, message, messages, refusal, welcome } from "../kit/scripted_hub.ts";

/** Reconnects that a client spends on missing messages. */
const GAP_RECONNECTS = 5;

/** What becomes of an entry of the log. */
type Fate =
  /** Every client can read it. */
  | "plain"
  /** Of a later version, or a broken one, in one of several ways. */
  | "unreadable"
  /** Not in this reader's view: the next entry has `prev`. */
  | "hidden"
  /** Not sent when it is new, only to those who resume. */
  | "late"
  /** Never sent, nor mentioned. */
  | "never"
  /** Not even its id can be read. */
  | "garbled";

const FATES: readonly Fate[] = ["plain", "unreadable", "hidden", "late", "never", "garbled"];

/** Those of which a connected reader learns only by their absence. */
const LOST: readonly Fate[] = ["late", "never", "garbled"];

const UNREADABLE = [
  { type: "reaction", reaction: "👍" },
  { type: "edit", message: "as text", target: 1 },
  { type: "message", kind: "delete", sender: "Bob", message: undefined },
  { type: "message", sender: 7 },
  { type: "message", timestamp: ["never"], message: "x" },
  { type: "message", message: null, data: null },
];

/** A hub with one room, some of whose entries are of a later version, or get lost. */
class StrangeHub {
  readonly log: { readonly id: number; readonly fate: Fate }[] = [];
  dials = 0;
  #socket: MemorySocket | undefined;

  /** @param page entries in `joined`; the others follow one by one. */
  constructor(private readonly page: number) {}

  dial(): WebSocket {
    this.dials++;
    this.#socket = new MemorySocket((socket, data) => {
      for (const line of splitBatch(data)) {
        const frame = JSON.parse(line);
        if (frame.type === "hello") queueMicrotask(() => this.#welcome(socket, frame));
        if (frame.type === "ping") socket.say({ type: "pong", ref: frame.ref });
      }
    });
    return this.#socket as unknown as WebSocket;
  }

  add(fate: Fate): void {
    this.log.push({ id: this.log.length + 1, fate });
    if (fate !== "late") this.#socket?.say(...this.#frames(this.log.length - 1));
  }

  say(frame: unknown): void {
    this.#socket?.say(frame);
  }

  repeat(back: number): void {
    for (let at = Math.max(0, this.log.length - back); at < this.log.length; at++) {
      if (this.log[at]?.fate === "plain") this.#socket?.say(...this.#frames(at));
    }
  }

  disconnect(): void {
    this.#socket?.close(1011);
  }

  #welcome(socket: MemorySocket, { rooms }: Hello): void {
    const after = rooms?.[0]?.after;
    const rest = this.log.slice(after ?? 0).flatMap(({ id }) => this.#frames(id - 1));
    const last = this.log.length;
    const recovered = after !== undefined;
    const state = joined("lobby", { recovered, last, messages: rest.splice(0, this.page) as [] });
    socket.say(welcome(), { ...state, type: "joined" }, ...rest);
    socket.say({ type: "live", room: "lobby", id: last });
  }

  /** What this reader gets of an entry: one frame or none. */
  #frames(at: number): readonly object[] {
    const { id, fate } = this.log[at] ?? { id: 0, fate: "hidden" };
    if (fate === "hidden" || fate === "never") return [];
    let prev = id - 1;
    while (this.log[prev - 1]?.fate === "hidden") prev--;
    const entry = { ...message(id), ...(prev === id - 1 ? {} : { prev }) };
    if (fate === "garbled") return [{ ...entry, id: `${id}` }];
    return [fate === "unreadable" ? { ...entry, ...UNREADABLE[id % UNREADABLE.length] } : entry];
  }
}

/** Lets everything happen that waits for no timer. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await null;
}

/** A client that reconnects at once, with all its events. */
function follow(dial: () => WebSocket): { connection: ClientConnection; events: ClientEvent[] } {
  const clock = new FakeClock();
  const events: ClientEvent[] = [];
  const connection = connect({ url: "ws://hub.example", sender: "Alice" }, {
    clock,
    random: () => 0.5,
    socket: dial,
  });
  void (async () => {
    for await (const event of connection) {
      events.push(event);
      if (event.type === "offline") queueMicrotask(() => clock.advance(event.retryIn));
    }
  })();
  return { connection, events };
}

/** The ids of the messages that were shown. */
function shownIds(events: readonly ClientEvent[]): readonly number[] {
  return events.flatMap((event) => event.type === "message" ? [event.id] : []);
}

/** The ids that errors name as missing. */
function reportedIds(events: readonly ClientEvent[]): ReadonlySet<number> {
  return new Set(events.flatMap((event) => {
    if (event.type !== "error") return [];
    const [, from, to = from] = /did not send messages? (\d+)(?: to (\d+))?/.exec(event.message) ??
      [];
    if (from === undefined) return [];
    return Array.from({ length: Number(to) - Number(from) + 1 }, (_, n) => Number(from) + n);
  }));
}

/** Frames without effect on the log: of later versions, broken, or about nothing. */
const NOISE: fc.Arbitrary<unknown> = fc.oneof(
  fc.string(),
  fc.json({ maxDepth: 3 }),
  fc.constantFrom<unknown>(
    { type: "read", room: "lobby" },
    { type: "message", id: 3 },
    { type: "reaction", room: "other", id: 99 },
    { type: "presence", room: 7 },
    { type: "ok", re: "rename-room", ref: 1e9 },
    { type: "pong", ref: "of another" },
    { type: "error", code: "on_fire", message: "?" },
    { type: "welcome", rooms: [] },
    ack(4, 1),
    message(5, "elsewhere"),
  ),
  fc.dictionary(
    fc.constantFrom("type", "id", "ref", "code", "message", "messages", "online"),
    fc.jsonValue({ maxDepth: 2 }),
  ),
);

Deno.test("a client shows every message that it can read once, in order, whatever else a hub sends", async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ add: fc.constantFrom(...FATES) }) },
    { weight: 3, arbitrary: fc.record({ add: fc.constant("plain" as const) }) },
    { weight: 2, arbitrary: fc.record({ noise: NOISE }) },
    { weight: 1, arbitrary: fc.record({ repeat: fc.integer({ min: 1, max: 9 }) }) },
    { weight: 1, arbitrary: fc.constant({ disconnect: true }) },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom<Fate>("plain", "unreadable", "hidden"), { maxLength: 5 }),
      fc.integer({ min: 1, max: 6 }),
      fc.array(step, { maxLength: 60 }),
      async (before, page, steps) => {
        const hub = new StrangeHub(page);
        for (const fate of before) hub.add(fate);
        const { connection, events } = follow(() => hub.dial());
        await settle();
        let disconnects = 0;
        for (const action of steps) {
          if ("add" in action) hub.add(action.add);
          if ("noise" in action) hub.say(action.noise);
          if ("repeat" in action) hub.repeat(action.repeat);
          if ("disconnect" in action) {
            hub.disconnect();
            disconnects++;
          }
          await settle();
        }
        // Shows whether something was missing before.
        hub.add("plain");
        await settle();
        assertEquals(connection.state, "online");
        const gaps = hub.log.filter(({ fate }) => LOST.includes(fate));
        assertLessOrEqual(hub.dials, 1 + disconnects + Math.min(gaps.length, GAP_RECONNECTS));
        const shown = shownIds(events);
        assertEquals(shown, [...new Set(shown)].toSorted((a, b) => a - b), "once, in order");
        const expected = hub.log.filter(({ fate }) => fate === "plain" || fate === "late");
        const missing = expected.filter(({ id }) => !shown.includes(id));
        const reported = reportedIds(events);
        assert(missing.every(({ id }) => reported.has(id)), "what is missing is reported");
        assert(missing.every(({ fate }) => fate === "late"), "was never sent");
        const sent = hub.log.filter(({ fate }) => fate === "plain" || fate === "unreadable");
        assert(!sent.some(({ id }) => reported.has(id)), "and nothing else");
        if (gaps.length <= GAP_RECONNECTS) assertEquals(missing, []);
        assertEquals(shown.filter((id) => !expected.some((each) => each.id === id)), []);
        await connection.close();
      },
    ),
    { numRuns: 300 },
  );
});

/** A valid frame of each type, to be changed at will. */
const SAMPLES: readonly object[] = [
  welcome(),
  { ...joined("lobby", { messages: messages(1, 3), recovered: true }), type: "joined" },
  { type: "live", room: "lobby", id: 4 },
  { type: "left", room: "lobby" },
  message(2),
  { ...message(9), prev: 3 },
  ack(1, 5),
  { ...message(1), type: "direct", to: "Alice" },
  { type: "presence", room: "lobby", online: 2, renamed: [{ from: "Alice", to: "Al" }] },
  { type: "typing", room: "lobby", sender: "Bob", active: true },
  { type: "system", message: "Hello", timestamp: message(1).timestamp, event: "notice" },
  { type: "history", room: "lobby", epoch: "e1", messages: messages(1, 2), more: true, ref: 1 },
  { type: "members", room: "lobby", online: 1, members: ["Alice"], ref: 1 },
  { type: "pong", ref: 1 },
  { type: "ok", re: "nick", ref: 1, name: "Al" },
  refusal({ code: "unauthorized" }),
  refusal({ code: "rate_limited", final: false, retryAfter: 1 }),
  refusal({ code: "not_in_room", re: "leave", ref: 2 }),
  { type: "bye", code: 4501, reconnect: true, url: "ws://elsewhere.example", message: "Bye" },
];

Deno.test("no frame makes a client close, or reconnect more than a few times", async () => {
  const value = fc.oneof(
    fc.constantFrom<unknown>("lobby", "den", "e1", "e2", 0, 1, 2, 3, 8, 2 ** 53 - 1, true, null),
    fc.jsonValue({ maxDepth: 2 }),
    fc.array(fc.nat(12).map((id) => message(id))),
  );
  const name = fc.constantFrom(
    ...["type", "room", "id", "prev", "epoch", "first", "last", "messages", "members", "ref", "re"],
    ...["code", "final", "retryAfter", "recovered", "reset", "rooms", "limits", "renamed", "name"],
  );
  const frame = fc.tuple(fc.constantFrom(...SAMPLES), fc.dictionary(name, value, { maxKeys: 3 }))
    .map(([sample, changes]) => ({ ...sample, ...changes }));
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { maxLength: 80 }), async (frames) => {
      let dials = 0;
      let current: MemorySocket | undefined;
      const { connection, events } = follow(() => {
        dials++;
        current = new MemorySocket((socket, data) => {
          if (data.startsWith('{"type":"hello"')) {
            const state = joined("lobby", { last: 9, recovered: dials > 1 });
            socket.say(welcome(), { ...state, type: "joined" });
          }
        });
        return current as unknown as WebSocket;
      });
      await settle();
      const open: Promise<unknown>[] = [connection.members("lobby"), connection.ping()];
      connection.leave("lobby");
      connection.join({ room: "den" });
      connection.nick("Al");
      open.push(connection.send({ message: "hi" }), connection.direct("Bob", { message: "hi" }));
      const settled = Promise.allSettled(open);
      for (const each of frames) {
        current?.say(each);
        await settle();
      }
      assertEquals(connection.state, "online");
      assertLessOrEqual(dials, 1 + GAP_RECONNECTS);
      // In each room, ids go up until the hub sends the room anew.
      const last = new Map<string, number>();
      for (const event of events) {
        if (event.type === "joined") last.delete(event.room);
        if (event.type !== "message") continue;
        assert(event.id > (last.get(event.room) ?? 0));
        last.set(event.room, event.id);
      }
      await connection.close();
      await settled;
    }),
    { numRuns: 400 },
  );
});
