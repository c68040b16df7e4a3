import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ClientEvent, RoomJoined } from "../../../client.ts";
import { connect } from "../../../client.ts";
import type { Message } from "../../../protocol.ts";
import {
  follow,
  type FollowOptions,
  type FollowPosition,
  type RoomHistory,
} from "../../../commands/pipeline/follow.ts";
import { HubRoomHistory } from "../../../commands/pipeline/room_follower.ts";
import { FakeConnection, historyPage, roomJoined } from "../../kit/fake_connection.ts";
import { messages } from "../../kit/scripted_hub.ts";
import { startTestHub } from "../../kit/test_hub.ts";

/** A past that keeps these ids. */
function keeping(from: number, to: number): RoomHistory {
  return {
    async *between(room, after, before) {
      const kept = messages(Math.max(from, after + 1), Math.min(to, before - 1));
      // In two pages.
      for (const page of [kept.slice(0, 2), kept.slice(2)]) {
        yield { ...historyPage(room, page), epoch: "e1" };
      }
    },
    idBefore: () => Promise.reject(new Error("not asked for")),
  };
}

const NOTHING = keeping(1, 0);

interface Scene {
  readonly events: readonly ClientEvent[];
  readonly start?: FollowPosition;
  readonly history?: RoomHistory;
  readonly onGap?: FollowOptions["onGap"];
}

/** The events of a scene: `5` a message, `@5` a position without one, `!…` a gap. */
async function read({ events, start, history = NOTHING, onGap }: Scene): Promise<string[]> {
  const connection = new FakeConnection();
  connection.emit(...events);
  await connection.close();
  const seen: string[] = [];
  const followed = follow({
    connection,
    history,
    start: () => Promise.resolve(start),
    onGap: onGap ?? ((sentence) => seen.push(`!${sentence}`)),
    onEvent: () => {},
  });
  for await (const { id, message } of followed) {
    seen.push(message === undefined ? `@${id}` : `${id}`);
  }
  return seen;
}

const joined = (history: readonly Message[], more: Partial<RoomJoined> = {}): ClientEvent[] => [
  roomJoined("lobby", { epoch: "e1", messages: history, ...more }),
  ...history,
];

const missing = (which: string): string => `!${which} missing: no longer stored on the hub`;

Deno.test("`follow()` without a position yields only new messages", async () => {
  const events = [...joined(messages(4, 5)), ...messages(6, 7)];
  assertEquals(await read({ events }), ["@5", "6", "7"]);
});

Deno.test("`follow()` resumes from a position that the hub recovers", async () => {
  const events = [...joined(messages(4, 5), { recovered: true, last: 7 }), ...messages(6, 8)];
  const start = { epoch: "e1", id: 3 };
  assertEquals(await read({ events, start }), ["@3", "4", "5", "6", "7", "8"]);
});

Deno.test("`follow()` reads from history what the hub does not replay", async () => {
  const events = [...joined(messages(8, 9)), ...messages(10, 10)];
  for (const epoch of [{}, { epoch: "e1" }]) {
    const seen = await read({ events, start: { ...epoch, id: 5 }, history: keeping(1, 9) });
    assertEquals(seen, ["@5", "6", "7", "8", "9", "10"]);
  }
  // Where the hub replays nothing at all.
  const quiet = [...joined([], { last: 9 }), ...messages(10, 10)];
  assertEquals(await read({ events: quiet, start: { id: 8 }, history: keeping(1, 9) }), [
    "@8",
    "9",
    "10",
  ]);
});

Deno.test("`follow()` reports exactly the messages that the hub no longer stores", async () => {
  const start = { epoch: "e1", id: 2 };
  const events = [...joined(messages(8, 9)), ...messages(10, 10)];
  assertEquals(await read({ events, start, history: keeping(6, 9) }), [
    "@2",
    missing("Messages 3 to 5 of lobby are"),
    ...["6", "7", "8", "9", "10"],
  ]);
  assertEquals(await read({ events, start, history: keeping(4, 9) }), [
    "@2",
    missing("Message 3 of lobby is"),
    ...["4", "5", "6", "7", "8", "9", "10"],
  ]);
  assertEquals(await read({ events, start }), [
    "@2",
    missing("Messages 3 to 7 of lobby are"),
    ...["@7", "8", "9", "10"],
  ]);
});

Deno.test("`follow()` from the start reports no gap before the oldest message", async () => {
  const events = [...joined(messages(8, 9))];
  assertEquals(await read({ events, start: { id: 0 }, history: keeping(6, 9) }), [
    ...["@0", "6", "7", "8", "9"],
  ]);
});

Deno.test("`follow()` reports a new epoch, and reads it from its start", async () => {
  const events = [...joined(messages(3, 4)), ...messages(5, 5)];
  const start = { epoch: "e0", id: 70 };
  assertEquals(await read({ events, start, history: keeping(1, 4) }), [
    "!The history of lobby started over since message 70, the last one read: this may be another hub, or other data",
    ...["@0", "1", "2", "3", "4", "5"],
  ]);
});

Deno.test("`follow()` reports a log that lost its end, and repeats nothing", async () => {
  const events = [...joined(messages(3, 4)), ...messages(5, 5)];
  assertEquals(await read({ events, start: { epoch: "e1", id: 6 } }), [
    "!The history of lobby ends at message 4, but message 6 was already read",
    ...["@4", "5"],
  ]);
});

Deno.test("`follow()` reports an id of the user beyond the newest message", async () => {
  const events = [...joined(messages(3, 4)), ...messages(5, 5)];
  assertEquals(await read({ events, start: { id: 500 } }), [
    "!--after 500 is beyond the newest message of lobby (4)",
    ...["@4", "5"],
  ]);
});

Deno.test("`follow()` resumes after each reconnect", async () => {
  const events = [
    ...joined([], { last: 3 }),
    ...messages(4, 4),
    ...joined(messages(5, 6), { rejoined: true, recovered: true }),
    ...joined(messages(20, 21), { rejoined: true }),
  ];
  assertEquals(await read({ events, history: keeping(10, 21) }), [
    ...["@3", "4", "@4", "5", "6", "@6"],
    missing("Messages 7 to 9 of lobby are"),
    ...Array.from({ length: 12 }, (_, n) => `${n + 10}`),
  ]);
});

Deno.test("`follow()` ends at a gap if `onGap` throws", async () => {
  const refuse = new Error("no gaps");
  const onGap = (): never => {
    throw refuse;
  };
  const events = joined(messages(8, 9));
  const reading = read({ events, start: { epoch: "e1", id: 2 }, onGap });
  assertEquals(await assertRejects(() => reading, Error), refuse);
});

Deno.test("`follow()` takes entries that cannot be shown for read, not for missing", async () => {
  const [three, six, nine] = [...messages(3, 3), ...messages(6, 6), ...messages(9, 9)];
  assert(three && six && nine);
  const pages: RoomHistory = {
    ...NOTHING,
    async *between(room) {
      const page = { ...historyPage(room, []), epoch: "e1" };
      yield { ...page, oldest: 1, newest: 2 };
      yield { ...page, messages: [three], oldest: 3, newest: 5 };
    },
  };
  const events = [
    ...joined([six], { last: 9 }),
    nine,
    { type: "live", room: "lobby", id: 12 } as const,
    ...messages(14, 14),
  ];
  const seen = await read({ events, start: { epoch: "e1", id: 0 }, history: pages });
  assertEquals(seen, ["@0", "@2", "3", "@5", "6", "9", "@12", "14"]);
  const resumed = [...joined([nine], { recovered: true }), ...messages(12, 12)];
  assertEquals(await read({ events: resumed, start: { epoch: "e1", id: 5 } }), ["@5", "9", "12"]);
});

Deno.test("`follow()` reports what the hub drops while the history is read", async () => {
  const history: RoomHistory = {
    ...NOTHING,
    async *between(room) {
      for (const page of [messages(1, 2), messages(5, 6)]) {
        yield { ...historyPage(room, page), epoch: "e1" };
      }
    },
  };
  const start = { epoch: "e1", id: 0 };
  assertEquals(await read({ events: joined(messages(7, 7)), start, history }), [
    ...["@0", "1", "2"],
    missing("Messages 3 to 4 of lobby are"),
    ...["5", "6", "7"],
  ]);
});

Deno.test("`HubRoomHistory` reads any number of pages, and finds the id at a time", async () => {
  const time = { now: Date.UTC(2026, 0, 1) };
  await using hub = await startTestHub({ limits: { rate: 0 } });
  await using writer = connect({ url: hub.url, echo: false });
  const stamps: number[] = [];
  await Promise.all(Array.from({ length: 1203 }, async (_, n) => {
    const { timestamp } = await writer.send({ message: `#${n + 1}` });
    stamps[n] = Date.parse(timestamp);
  }));
  const past = new HubRoomHistory({ url: hub.url });
  for (const [after, before] of [[0, 1204], [100, 1101], [5, 6], [5, 7], [1203, 9999]] as const) {
    const ids: number[] = [];
    for await (const page of past.between("lobby", after, before)) {
      ids.push(...page.messages.map(({ id }) => id));
    }
    const count = Math.max(0, Math.min(before, 1204) - after - 1);
    assertEquals(ids, Array.from({ length: count }, (_, n) => after + 1 + n));
  }
  const older = (than: number): number => stamps.filter((stamp) => stamp < than).length;
  for (const than of [0, ...new Set(stamps), time.now * 2]) {
    assertEquals(await past.idBefore("lobby", than), older(than));
  }
  assertEquals(await past.idBefore("empty", 0), 0);
});
