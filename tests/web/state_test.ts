/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { ClientEvent } from "../../client.ts";
import type { Direct, Message } from "../../protocol.ts";
import { errorFrame, onlineEvent, roomJoined } from "../kit/fake_connection.ts";
import { restoredState, savedState } from "../../web/chat/restore.ts";
import { hubAddress, readAddress, withoutToken } from "../../web/chat/address.ts";
import { CommandError } from "../../chat/commands.ts";
import { COMMANDS, type WebActions } from "../../web/state/commands.ts";
import { applied, completionAt } from "../../web/state/completion.ts";
import { EMOJI, withEmoji } from "../../web/state/emoji.ts";
import { append, CHUNK, EMPTY_LOG, itemsOf, prepend, trimmed } from "../../web/state/log.ts";
import { roomKey } from "../../web/state/threads.ts";
import { alertOf, noticeOf } from "../../web/state/notices.ts";
import type { Action } from "../../web/state/actions.ts";
import { reduce } from "../../web/state/reduce.ts";
import { messageItem } from "../../web/state/message_items.ts";
import { rowsOf } from "../../web/state/rows.ts";
import { readSettings } from "../../web/state/settings.ts";
import { directKey, note, peopleIn, unreadIn } from "../../web/state/threads.ts";
import {
  type ChatState,
  EMPTY,
  type Log,
  type LogItem,
  type Thread,
} from "../../web/state/types.ts";

const NOW = Date.UTC(2026, 0, 31, 10, 30);

function message(id: number, text = `#${id}`, sender = "Bob", room = "lobby"): Message {
  const timestamp = new Date(NOW + id * 1000).toISOString();
  return { type: "message", room, id, sender, timestamp, message: text };
}

function direct(sender: string, to: string, text: string): Direct {
  return { type: "direct", sender, to, message: text, timestamp: new Date(NOW).toISOString() };
}

function joined(
  last: number,
  more: Partial<Extract<ClientEvent, { type: "joined" }>> = {},
): ClientEvent {
  return roomJoined("lobby", { last, online: 2, members: ["Alice", "Bob"], ...more });
}

function after(state: ChatState, ...actions: readonly (Action | ClientEvent)[]): ChatState {
  return actions.reduce<ChatState>((next, each) => {
    const isEvent = [
      "online",
      "joined",
      "live",
      "message",
      "direct",
      "presence",
      "renamed",
      "left",
      "offline",
      "typing",
      "error",
    ]
      .includes(each.type);
    return reduce(
      next,
      isEvent ? { type: "event", event: each as ClientEvent, now: NOW } : each as Action,
    );
  }, state);
}

function lobby(state: ChatState): Thread {
  const thread = state.threads.get("#lobby");
  assert(thread !== undefined);
  return thread;
}

function texts(thread: Thread): string[] {
  return [...itemsOf(thread.log)].map(({ text }) => text);
}

const ALICE: ChatState = { ...EMPTY, me: "Alice" };
const IN_LOBBY = after(ALICE, joined(0));

Deno.test("`append()` and `prepend()` keep order and positions, in chunks", () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 120 })), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(steps, (wanted) => {
      let log: Log = EMPTY_LOG;
      let expected: string[] = [];
      let count = 0;
      for (const [atEnd, size] of wanted) {
        const names = Array.from({ length: size }, () => String(count++));
        const items = names.map((text) => note(text, NOW));
        const before = log;
        log = atEnd ? append(log, items) : prepend(log, items);
        expected = atEnd ? [...expected, ...names] : [...names, ...expected];
        // Full chunks stay the same objects, and are not rendered again.
        const same = log.chunks.filter((chunk) => before.chunks.includes(chunk)).length;
        assert(same >= before.chunks.length - 1);
      }
      const items = [...itemsOf(log)];
      assertEquals(items.map(({ text }) => text), expected);
      assertEquals(log.size, expected.length);
      items.forEach(({ seq }, index) => assertEquals(seq, (items[0]?.seq ?? 0) + index));
      for (const chunk of log.chunks) {
        assert(chunk.items.every(({ seq }) => Math.floor(seq / CHUNK) === chunk.index));
      }
      const few = trimmed(log, 100);
      assertEquals(
        [...itemsOf(few)].map(({ text }) => text),
        expected.slice(expected.length - few.size),
      );
      assert(few.size <= 100 + CHUNK);
    }),
    { numRuns: 200 },
  );
});

Deno.test("`rowsOf()` groups consecutive messages of one sender, and marks days", () => {
  const said = (seq: number, sender: string, at: number): LogItem => ({
    ...messageItem(message(seq, "x", sender), "Alice"),
    seq,
    at,
  });
  const minute = 60_000;
  const noon = new Date(2026, 0, 31, 12).getTime();
  const items = [
    said(0, "Bob", noon),
    said(1, "Bob", noon + minute),
    said(2, "Carol", noon + minute),
    said(3, "Bob", noon + 2 * minute),
    said(4, "Bob", noon + 9 * minute),
    said(5, "Bob", noon + 24 * 60 * minute),
    said(6, "Bob", noon + 24 * 60 * minute + 1),
  ];
  const rows = rowsOf(items, undefined, 6);
  assertEquals(rows.map(({ begins }) => begins), [true, false, true, true, true, true, true]);
  assertEquals(rows.map(({ day }) => day !== undefined), [
    true,
    false,
    false,
    false,
    false,
    true,
    false,
  ]);
  assertEquals(rows.map(({ isNew }) => isNew), [false, false, false, false, false, false, true]);
  assertEquals(rowsOf(items.slice(1, 2), items[0], undefined)[0]?.begins, false);
  // Verified and unverified messages are not grouped.
  const proved: LogItem = {
    ...messageItem({ ...message(7, "x", "Bob"), account: "Bob" }, "Alice"),
    seq: 7,
    at: noon,
  };
  const mixed = [proved, said(8, "Bob", noon), { ...proved, seq: 9 }, { ...proved, seq: 10 }];
  assertEquals(rowsOf(mixed, undefined, undefined).map(({ begins }) => begins), [
    true,
    true,
    true,
    false,
  ]);
});

Deno.test("`reduce()` counts messages as unread until the user sees them", () => {
  let state = after(IN_LOBBY, message(1), message(2, "hi @ALICE!"), message(3, "mine", "alice"));
  assertEquals([lobby(state).unread, lobby(state).mentions, lobby(state).newFrom], [2, 1, 0]);
  state = after(state, { type: "attention", attentive: true });
  assertEquals([lobby(state).unread, lobby(state).mentions], [0, 0]);
  state = after(state, message(4), { type: "attention", attentive: false }, message(5));
  // The line moves to the first unseen message.
  assertEquals([lobby(state).unread, lobby(state).newFrom], [1, 4]);
  assertEquals(unreadIn(state), { unread: 1, mentions: 0 });
  // A reload starts there, even if more was received since.
  state = after(state, message(6), message(7));
  assertEquals(state.readMarkers.get("lobby"), { epoch: "e", id: 4 });
});

Deno.test("`reduce()` counts history as read, except what was unread at an earlier visit", () => {
  const messages = [message(8), message(9), message(10)];
  const fresh = after(ALICE, joined(10, { messages }), ...messages);
  assertEquals([lobby(fresh).unread, lobby(fresh).newFrom], [0, undefined]);
  const readMarkers = new Map([["lobby", { epoch: "e", id: 8 }]]);
  const known = after(
    { ...ALICE, readMarkers, current: "#other" },
    joined(10, { messages }),
    ...messages,
  );
  assertEquals([lobby(known).unread, lobby(known).newFrom], [2, 1]);
  const other = new Map([["lobby", { epoch: "another", id: 8 }]]);
  assertEquals(lobby(after({ ...ALICE, readMarkers: other }, joined(10, { messages }))).unread, 0);
  const named = [message(9, "old @Alice"), message(10)];
  const called = after(
    { ...ALICE, readMarkers, current: "#other" },
    joined(10, { messages: named }),
    ...named,
  );
  assertEquals([lobby(called).unread, lobby(called).mentions], [2, 1]);
});

Deno.test("`reduce()` shows a sent message once, whether its ack or its copy arrives first", () => {
  const pending = { ref: "r", text: "mine", action: false, at: NOW };
  const sending = after(IN_LOBBY, { type: "sending", key: "#lobby", pending });
  assertEquals([lobby(sending).pending.length, lobby(sending).log.size], [1, 0]);
  const ack: Action = { type: "acked", key: "#lobby", ref: "r", id: 1 };
  const copy = message(1, "mine", "Alice");
  for (const order of [[ack, copy], [copy, ack]]) {
    const done = after(sending, ...order);
    assertEquals([lobby(done).pending.length, texts(lobby(done))], [0, ["mine"]]);
  }
  // The sender was renamed before the copy arrived.
  const renamed = after(sending, message(1, "mine", "Ally"), ack);
  assert([...itemsOf(lobby(renamed).log)].every((item) => item.kind === "said" && item.mine));
  const failed = after(sending, { type: "failed", key: "#lobby", ref: "r", error: "No" });
  assertEquals(lobby(failed).pending[0]?.error, "No");
  assertEquals(lobby(after(failed, { type: "discard", key: "#lobby", ref: "r" })).pending, []);
});

Deno.test("`reduce()` marks every gap in the history", () => {
  const before = after(IN_LOBBY, message(1), message(2));
  const back = after(before, joined(9, { rejoined: true, recovered: true }), message(3));
  assertEquals(texts(lobby(back)), ["#1", "#2", "#3"]);
  const hole = after(before, joined(90, { rejoined: true }), message(90));
  assertEquals(texts(lobby(hole))[2], "Messages may be missing here");
  const trimmed = after(before, joined(90, { rejoined: true, reset: "trimmed" }));
  assertEquals(
    texts(lobby(trimmed))[2],
    "Messages may be missing here: the hub no longer has all since you were here",
  );
  const anew = after(before, joined(1, { rejoined: true, epoch: "f" }), message(1, "new"));
  assertEquals(
    texts(lobby(anew))[2],
    "Messages may be missing here: the hub has started a new log",
  );
  assertEquals([lobby(hole).complete, lobby(anew).complete], [true, true]);
});

Deno.test("`reduce()` inserts older messages at the beginning, each once", () => {
  const state = after(ALICE, joined(10), message(9), message(10), {
    type: "older",
    key: "#lobby",
    messages: [message(7), message(8), message(9)],
    more: true,
  });
  assertEquals([texts(lobby(state)), lobby(state).complete], [["#7", "#8", "#9", "#10"], false]);
  const all = after(state, { type: "older", key: "#lobby", messages: [], more: false });
  assert(lobby(all).complete);
});

Deno.test("`reduce()` keeps a view cleared until the user asks for earlier messages", () => {
  const cleared = after(
    ALICE,
    joined(2),
    message(1),
    message(2),
    { type: "clear", key: "#lobby" },
    message(3),
  );
  assertEquals([texts(lobby(cleared)), lobby(cleared).complete], [["#3"], true]);
  const back = after(cleared, { type: "uncover", key: "#lobby" }, {
    type: "older",
    key: "#lobby",
    messages: [message(1), message(2)],
    more: false,
  });
  assertEquals(texts(lobby(back)), ["#1", "#2", "#3"]);
  assertEquals([...itemsOf(lobby(back).log)].map(({ seq }) => seq), [0, 1, 2]);
});

Deno.test("`reduce()` tracks members, renames and typing", () => {
  let state = after(
    IN_LOBBY,
    direct("Bob", "Alice", "psst"),
    { type: "typing", room: "lobby", sender: "Bob", active: true },
    { type: "presence", room: "lobby", online: 3, joined: ["Carol"] },
  );
  assertEquals(lobby(state).room?.members, ["Alice", "Bob", "Carol"]);
  assertEquals(lobby(state).room?.typing.map(({ name }) => name), ["Bob"]);
  state = after(state, { type: "renamed", from: "Alice", name: "Ann" }, {
    type: "presence",
    room: "lobby",
    online: 2,
    left: ["Carol"],
    renamed: [{ from: "Bob", to: "Rob" }, { from: "Alice", to: "Ann" }],
  });
  assertEquals([state.me, lobby(state).room?.members], ["Ann", ["Ann", "Rob"]]);
  assertEquals(lobby(state).room?.typing, []);
  assertEquals([...state.threads.keys()], ["#lobby", "@rob"]);
  assertEquals(peopleIn(state), ["Rob"]);
  assertEquals(texts(lobby(state)), [
    "Carol joined",
    "Bob is now Rob",
    "You are now Ann",
    "Carol left",
  ]);
});

Deno.test("`reduce()` forgets the members of a room that does not name them, until it does again", () => {
  const presence = { type: "presence", room: "lobby" } as const;
  const people = (state: ChatState): unknown => {
    const { online, members } = lobby(state).room ?? {};
    return [online, members];
  };
  let state = after(IN_LOBBY, { ...presence, online: 101 });
  assertEquals(people(state), [101, undefined]);
  // Without a complete list, changes make none.
  state = after(state, { ...presence, online: 102, joined: ["Carol"] });
  assertEquals(people(state), [102, undefined]);
  state = after(state, { ...presence, online: 2, members: ["Carol", "Alice"] });
  assertEquals(people(state), [2, ["Alice", "Carol"]]);
  // A complete list replaces another, and says who came and left.
  const known = texts(lobby(state)).length;
  state = after(state, { ...presence, online: 2, members: ["Alice", "Dan"] });
  assertEquals(people(state), [2, ["Alice", "Dan"]]);
  assertEquals(texts(lobby(state)).slice(known), ["Carol left", "Dan joined"]);
});

Deno.test("`reduce()` adds up what the rooms missed after a reconnect", () => {
  const online = { ...onlineEvent("Alice", ["lobby", "dev"]), reconnected: true };
  const missed = (state: ChatState): unknown => {
    const { connection } = state;
    return connection.state === "online" ? [connection.missed, connection.hasGap === true] : [];
  };
  const again = { rejoined: true, recovered: true } as const;
  let state = after(IN_LOBBY, joined(0, { room: "dev" }), online);
  state = after(state, joined(9, { ...again, missed: 3 }));
  state = after(state, joined(4, { ...again, room: "dev", missed: 1 }));
  assertEquals(missed(state), [4, false]);
  // What is entered later was not missed by the connection.
  state = after(state, joined(9, { ...again, missed: 5 }));
  assertEquals(missed(state), [4, false]);
  const gap = after(state, online, joined(9, { rejoined: true, reset: "trimmed" }));
  assertEquals(missed(gap), [0, true]);
  assertEquals(missed(after(ALICE, onlineEvent("Alice", ["lobby"]))), [undefined, false]);
});

Deno.test("`reduce()` counts as received what came, not what the hub is about to send", () => {
  const before = after(IN_LOBBY, message(1), message(2));
  const back = after(before, joined(900, { rejoined: true, recovered: true, missed: 898 }));
  assertEquals(lobby(back).room?.last, 2);
  const some = after(back, message(3), message(4));
  assertEquals(lobby(some).room?.last, 4);
  // Entries that cannot be shown are received as well.
  assertEquals(lobby(after(some, { type: "live", room: "lobby", id: 900 })).room?.last, 900);
});

Deno.test("`reduce()` keeps the open thread, with the reason, when the hub removes the user from its room", () => {
  let state = after(IN_LOBBY, joined(3, { room: "dev" }), { type: "show", key: "#dev" });
  const notice = {
    type: "system",
    event: "notice",
    room: "dev",
    message: "Room dev is closed: tidy",
    timestamp: new Date(NOW).toISOString(),
  } as const;
  state = after(
    state,
    { type: "event", event: notice, now: NOW },
    { type: "left", room: "dev" },
    { type: "left", room: "lobby" },
  );
  assertEquals([state.current, state.threads.size], ["#dev", 2]);
  assertEquals(state.threads.get("#dev")?.closedReason, "Room dev is closed: tidy");
  assertEquals(lobby(state).closedReason, "You are no longer in #lobby");
  // The user rejoins, is rejected with a reason, and succeeds later.
  state = after(state, { type: "entering", room: "lobby" });
  assertEquals(lobby(state).closedReason, undefined);
  state = after(
    state,
    errorFrame("forbidden", "Room lobby is closed until 2026-02-01 10:00 UTC", {
      re: "join",
      room: "lobby",
    }),
    errorFrame("forbidden", "Your token does not let you write to dev: ask for one", {
      re: "typing",
      room: "dev",
    }),
  );
  assertEquals(lobby(state).closedReason, "Room lobby is closed until 2026-02-01 10:00 UTC");
  assertEquals(state.threads.get("#dev")?.closedReason, "Room dev is closed: tidy");
  state = after(state, { type: "entering", room: "lobby" }, joined(3, { rejoined: true }));
  assertEquals([lobby(state).closedReason, lobby(state).joining], [undefined, undefined]);
});

Deno.test("`reduce()` goes to another thread when the user closes the one shown", () => {
  let state = after(IN_LOBBY, joined(0, { room: "dev" }), { type: "show", key: "#dev" });
  state = after(state, { type: "close", key: "#dev" });
  assertEquals([state.current, state.threads.size], ["#lobby", 1]);
  assertEquals(after(state, { type: "close", key: "#lobby" }).current, undefined);
});

Deno.test("`saved()` and `restored()` preserve private and unsent messages over a reload", () => {
  const pending = { ref: "r", text: "waits", action: false, at: NOW };
  const state = after(
    IN_LOBBY,
    message(1),
    direct("Bob", "Alice", "psst"),
    { type: "sending", key: "#lobby", pending },
    { type: "sending", key: "@bob", pending: { ...pending, ref: "d" } },
  );
  const kept = savedState(state, {}, "secret");
  assertEquals([kept.rooms, kept.tab.session], [["lobby"], "secret"]);
  const again = restoredState(ALICE, JSON.parse(JSON.stringify(kept.tab)));
  assertEquals(lobby(again).pending, [pending]);
  assertEquals(texts(lobby(after(again, joined(1), message(1)))), ["#1"]);
  assertEquals(lobby(after(again, joined(1))).pending, [pending]);
  const bob = again.threads.get(directKey("Bob"));
  assertEquals(bob === undefined ? [] : texts(bob), ["psst"]);
  // It may have been delivered, so it is not resent automatically.
  assert(bob?.pending[0]?.error !== undefined);
});

Deno.test("`noticeOf()` follows the settings, and ignores old and own messages", () => {
  const settings = readSettings({});
  const quiet = readSettings({ levels: { "#lobby": "mentions", "@bob": "off" } });
  const state = after(ALICE, joined(5));
  assertEquals(noticeOf(message(6, "hi"), state, settings), {
    key: "#lobby",
    title: "Bob in #lobby",
    body: "hi",
  });
  assertEquals(noticeOf(message(5), state, settings), undefined);
  assertEquals(noticeOf(message(6, "x", "alice"), state, settings), undefined);
  assertEquals(noticeOf(message(6), state, quiet), undefined);
  assertEquals(noticeOf(message(6, "@Alice?"), state, quiet)?.body, "@Alice?");
  assertEquals(noticeOf(direct("Bob", "Alice", "x"), state, quiet), undefined);
  assertEquals(noticeOf(direct("Carol", "Alice", "x"), state, quiet)?.title, "Carol");
  assertEquals(noticeOf(message(6, "y".repeat(1000)), state, settings)?.body.length, 201);
});

Deno.test("`alertOf()` sounds and notifies by the settings and by where the user looks", () => {
  const away = after(ALICE, joined(5), { type: "attention", attentive: false });
  const looking = after(away, { type: "show", key: "#lobby" }, {
    type: "attention",
    attentive: true,
  });
  const here = { key: roomKey("lobby"), present: true };
  const elsewhere = { key: undefined, present: true };
  for (
    const [sounds, notifications, state, others, present, expected] of [
      ["on", "on", away, [], false, [true, true]],
      ["on", "on", away, [], true, [true, false]],
      ["on", "on", away, [elsewhere], false, [true, false]],
      ["on", "on", away, [here], false, [false, false]],
      ["on", "on", looking, [], true, [false, false]],
      ["always", "on", looking, [], true, [true, false]],
      ["off", "off", away, [], false, [false, false]],
    ] as const
  ) {
    const settings = readSettings({ sounds, notifications });
    const alert = alertOf(message(6), state, settings, others, present);
    assertEquals([alert?.sound, alert?.notification], [...expected]);
  }
  assertEquals(alertOf(message(6, "x", "Alice"), away, readSettings({}), [], false), undefined);
});

Deno.test("`readSettings()` ignores invalid values", () => {
  const usual = readSettings(undefined);
  assertEquals(
    readSettings({ theme: "dark", times: "never", levels: { "#a": "off", b: "off", "#c": 1 } }),
    {
      ...usual,
      theme: "dark",
      levels: { "#a": "off" },
    },
  );
  fc.assert(fc.property(fc.anything(), (value) => {
    assertEquals(Object.keys(readSettings(value)), Object.keys(usual));
  }));
});

Deno.test("`COMMANDS.run()` runs the commands that only the page has", () => {
  const run = (line: string, over: Partial<WebActions> = {}): string[] => {
    const done: string[] = [];
    const record = (name: string) => (...args: unknown[]): void =>
      void done.push([name, ...args].join(" "));
    COMMANDS.run(
      line,
      {
        place: { kind: "room", room: "lobby" },
        online: [["lobby", 2]],
        ...Object.fromEntries(
          "search save help note".split(" ").map((name) => [name, record(name)]),
        ),
        ...over,
      } as WebActions,
    );
    return done;
  };
  for (
    const [line, expected] of [
      ["/rooms", "note You are in #lobby (2 online)"],
      ["/search", "search "],
      ["/search green build", "search green build"],
      ["/export", "save text"],
      ["/export JSON", "save json"],
      ["/help", "help"],
    ] as const
  ) assertEquals(run(line), [expected], line);
  assertThrows(() => run("/rooms", { online: [] }), CommandError, "/join ROOM");
  const place = { kind: "private", name: "Bob" } as const;
  assertThrows(() => run("/search x", { place }), CommandError, "rooms only");
  assertThrows(() => run("/nope"), CommandError, "/help lists all commands");
  assertThrows(() => run("/export!"), CommandError, "Unknown command");
});

Deno.test("`completionAt()` offers matching words, and `applied()` inserts one", () => {
  const known = { people: ["Bob", "Jo Ann"], rooms: ["dev", "design"] };
  const complete = (text: string): string | undefined => {
    const found = completionAt(text, text.length, known);
    const choice = found?.choices[0];
    return found === undefined || choice === undefined
      ? undefined
      : applied(text, found, choice).text;
  };
  for (
    const [text, expected] of [
      ["hi @b", "hi @Bob "],
      ["hi @Ｂo", "hi @Bob "],
      ["hi @BOB", undefined],
      ["hi @Jo", "hi @Jo Ann "],
      ["/jo", "/join "],
      ["/join d", "/join dev "],
      ["/msg jo", '/msg "Jo Ann" '],
      ["nice :tad", "nice 🎉 "],
      ["at 10:30", undefined],
      ["mail@b", undefined],
      ["plain", undefined],
      ["::", undefined],
    ] as const
  ) assertEquals(complete(text), expected, text);
  assertEquals(completionAt("@b rest", 2, known)?.to, 2);
});

Deno.test("`withEmoji()` leaves code and unknown names alone", () => {
  assertEquals(
    withEmoji(":tada: `:tada:` :nosuch: 10:30:40 a:tada: :+1:"),
    "🎉 `:tada:` :nosuch: 10:30:40 a:tada: 👍",
  );
  assertEquals(new Set(EMOJI.map(({ name }) => name)).size, EMOJI.length);
  assert(EMOJI.length > 300 && EMOJI.every(({ emoji }) => /\p{Emoji}/u.test(emoji)));
});

Deno.test("`readAddress()` and `hubAddress()` parse the address of the page", () => {
  const url = new URL("https://chat.example/base/?room=Dev&room=!&name=Al&token=x#token=secret");
  assertEquals(readAddress(url), { rooms: ["dev"], name: "Al", token: "secret" });
  assertEquals(withoutToken(url).href, "https://chat.example/base/?room=Dev&room=%21&name=Al");
  assertEquals(hubAddress(url).href, "wss://chat.example/base/ws");
  assertEquals(hubAddress(new URL("http://localhost:8765/?name=x")).href, "ws://localhost:8765/ws");
});

Deno.test("`reduce()` treats a name without @ as a mention only if set to", () => {
  const bare = reduce(IN_LOBBY, { type: "mention", mention: "name" });
  assertEquals(lobby(after(IN_LOBBY, message(1, "alice is here"))).mentions, 0);
  assertEquals(lobby(after(bare, message(1, "alice is here"))).mentions, 1);
  const quiet = readSettings({ mention: "name", levels: { "#lobby": "mentions" } });
  const state = after(ALICE, joined(5));
  assertEquals(noticeOf(message(6, "Alice?"), state, quiet)?.body, "Alice?");
  assertEquals(noticeOf(message(6, "Alice?"), state, { ...quiet, mention: "at" }), undefined);
});
