import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Actions,
  completeLine,
  LineError,
  runLine,
  SLASH_COMMANDS,
  slashHelp,
} from "../terminal/commands.ts";
import { ChatState } from "../terminal/state.ts";
import { beginning, said } from "./kit/fake_conversation.ts";

function recorder(
  over: Partial<Actions> = {},
): { readonly actions: Actions; readonly did: string[] } {
  const did: string[] = [];
  return {
    did,
    actions: {
      room: "lobby",
      rooms: [{ room: "lobby", online: 2 }, { room: "dev", online: 1 }],
      people: ["Bob", "Bob Smith", "Carol"],
      say: ({ message }, kind) => did.push(`${kind ?? "say"} ${message}`),
      whisper: (to, { message }) => did.push(`whisper <${to}> ${message}`),
      join: (room) => did.push(`join ${room}`),
      leave: (room) => did.push(`leave ${room}`),
      rename: (name) => did.push(`rename ${name}`),
      who: (room) => did.push(`who ${room}`),
      history: (room, limit) => did.push(`history ${room} ${limit}`),
      note: (text) => did.push(text),
      quit: () => did.push("quit"),
      ...over,
    },
  };
}

for (
  const [line, expected] of [
    ["hello", ["say hello"]],
    ["  indented code", ["say   indented code"]],
    ["", []],
    ["   ", []],
    ["//shrug", ["say /shrug"]],
    ["/me waves", ["action waves"]],
    ["/ME waves", ["action waves"]],
    ["/msg Bob hi there", ["whisper <Bob> hi there"]],
    ["/msg bob smith hi", ["whisper <Bob Smith> hi"]],
    ['/msg "Dan Brown" hi', ["whisper <Dan Brown> hi"]],
    ["/msg Zoe hi", ["whisper <Zoe> hi"]],
    ["/nick  Al ", ["rename Al"]],
    ["/join Dev", ["join dev"]],
    ["/join #dev", ["join dev"]],
    ["/leave", ["leave lobby"]],
    ["/leave dev", ["leave dev"]],
    ["/who", ["who lobby"]],
    ["/who dev", ["who dev"]],
    ["/history", ["history lobby 50"]],
    ["/history 5", ["history lobby 5"]],
    ["/rooms", ["lobby (2 online, where you speak)", "dev (1 online)"]],
    ["/quit", ["quit"]],
    ["quit", ["quit"]],
    [" exit ", ["quit"]],
    ["quit it", ["say quit it"]],
  ] as const
) {
  Deno.test(`runLine() does what ${JSON.stringify(line)} says`, () => {
    const { actions, did } = recorder();
    runLine(line, actions);
    assertEquals(did, [...expected]);
  });
}

for (
  const [line, message] of [
    ["/hlep", "Unknown command /hlep. Did you mean /help?"],
    ["/zzzzzzz", "Unknown command /zzzzzzz. /help lists what there is."],
    ["/\x1b[2J", "Unknown command /␛[2J. /help lists what there is."],
    ["/msg", "Say whom and what: /msg NAME TEXT"],
    ["/msg Bob", "Say whom and what: /msg NAME TEXT"],
    ["/me", "Say what you do: /me waves"],
    ["/nick a/b", "A name has 1 to 32 visible characters without / @ # : /nick NAME"],
    ["/join ?", "A room is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit: /join ROOM"],
    ["/leave attic", "You are not in attic"],
    ["/history 0", "Say how many, from 1 to 500: /history 100"],
    ["/history many", "Say how many, from 1 to 500: /history 100"],
  ] as const
) {
  Deno.test(`runLine() says what is wrong with ${JSON.stringify(line)}`, () => {
    const { actions, did } = recorder();
    assertEquals(assertThrows(() => runLine(line, actions), LineError).message, message);
    assertEquals(did, []);
  });
}

Deno.test("runLine() without a room says how to enter one", () => {
  const { actions } = recorder({ room: undefined, rooms: [] });
  for (const line of ["hi", "//hi", "/who", "/leave", "/rooms"]) {
    assertThrows(() => runLine(line, actions), LineError, "/join ROOM");
  }
});

Deno.test("/help is made from the table of commands", () => {
  const { actions, did } = recorder();
  runLine("/help", actions);
  assertEquals(did, [...slashHelp()]);
  for (const { name, help } of SLASH_COMMANDS) {
    assert(did.some((line) => line.startsWith(`/${name}`) && line.endsWith(help)), name);
  }
  assert(did.every((line) => line.length <= 78));
});

Deno.test("completeLine() completes commands, names and rooms", () => {
  const known = { people: ["Bob", "Bobby Lee", "Carol", "Eve\x1b[2J"], rooms: ["lobby", "dev"] };
  assertEquals(completeLine("/q", known), [["/quit"], "/q"]);
  assertEquals(completeLine("/h", known), [["/history ", "/help"], "/h"]);
  assertEquals(completeLine("/msg b", known), [["Bob ", "Bobby Lee "], "b"]);
  assertEquals(completeLine("/msg bobby l", known), [["Bobby Lee "], "bobby l"]);
  assertEquals(completeLine("/leave d", known), [["dev "], "d"]);
  assertEquals(completeLine("ca", known), [["Carol: "], "ca"]);
  assertEquals(completeLine("hi ca", known), [["Carol "], "ca"]);
  assertEquals(completeLine("eve", known), [["Eve␛[2J: "], "eve"]);
  assertEquals(completeLine("", known), [[], ""]);
  assertEquals(completeLine("/nick x", known), [[], "x"]);
});

Deno.test("ChatState follows rooms, people and where one speaks", () => {
  const state = new ChatState();
  for (const event of beginning("Alice", ["Alice", "Bob"])) state.apply(event);
  assertEquals([state.current, state.people], ["lobby", ["Alice", "Bob"]]);
  state.apply({
    type: "presence",
    room: "lobby",
    online: 2,
    joined: ["Carol"],
    left: ["Bob"],
    renamed: [{ from: "Alice", to: "Al" }],
  });
  assertEquals(state.people, ["Al", "Carol"]);
  assertEquals(state.rooms.get("lobby")?.online, 2);
  state.apply(said("Dan", "hi"));
  assertEquals(state.people, ["Al", "Carol", "Dan"]);

  state.want("dev");
  // What is typed before the hub answers is meant for the new room already.
  assertEquals(state.current, "dev");
  state.apply({ type: "error", code: "too_many_rooms", message: "no" });
  assertEquals(state.current, "lobby");
  state.want("dev");
  for (const event of beginning()) {
    if (event.type === "joined") state.apply({ ...event, room: "dev" });
  }
  assertEquals([state.current, state.rooms.size], ["dev", 2]);
  state.want("lobby");
  assertEquals(state.current, "lobby");
  state.apply({ type: "left", room: "lobby" });
  assertEquals(state.current, "dev");
  state.apply({ type: "left", room: "dev" });
  assertEquals(state.current, undefined);
});

Deno.test("ChatState remembers a bounded number of speakers, the last ones", () => {
  const state = new ChatState();
  for (let n = 0; n < 1000; n++) state.apply(said(`user${n}`, "hi"));
  assertEquals(state.people.length, 200);
  assert(state.people.includes("user999") && !state.people.includes("user0"));
});
