import { assert, assertEquals, assertThrows } from "@std/assert";
import { CommandError } from "../../chat/commands.ts";
import { COMMANDS, type TerminalActions } from "../../terminal/commands.ts";
import { completeLine, isPrivateCommand } from "../../terminal/completion.ts";
import { DEFAULT_SETTINGS } from "../../terminal/settings.ts";
import { Roster } from "../../terminal/roster.ts";
import { pageOf, plainView } from "../../terminal/view.ts";
import { chatMessage, connectedEvents } from "../kit/fake_connection.ts";

function recorder(
  over: Partial<TerminalActions> = {},
): { readonly actions: TerminalActions; readonly did: string[] } {
  const did: string[] = [];
  return {
    did,
    actions: {
      place: { kind: "room", room: "lobby" },
      rooms: ["lobby", "dev"],
      privates: ["Bob"],
      people: ["Bob", "Bob Smith", "Carol"],
      ignored: ["Mallory"],
      columns: 80,
      plain: false,
      settings: DEFAULT_SETTINGS,
      say: (text, kind) => did.push(`${kind ?? "say"} ${text}`),
      sendPrivate: (to, text) => did.push(`private <${to}> ${text}`),
      reply: (text) => did.push(`reply ${text}`),
      openPrivate: (name) => did.push(`open ${name}`),
      join: (room) => did.push(`join ${room}`),
      leave: (place) => did.push(`leave ${JSON.stringify(place)}`),
      show: (window) => did.push(`show ${window}`),
      listRooms: () => did.push("rooms"),
      rename: (name) => did.push(`rename ${name}`),
      who: (room) => did.push(`who ${room}`),
      history: (room, limit) => did.push(`history ${room} ${limit}`),
      older: (room, limit) => did.push(`older ${room} ${limit}`),
      search: (room, words) => did.push(`search ${room} ${words}`),
      ignore: (name) => did.push(`ignore ${name}`),
      unignore: (name) => did.push(`unignore ${name}`),
      away: (text) => did.push(`away ${text}`),
      back: () => did.push("back"),
      exportTo: (path, replace) => did.push(`export ${path}${replace ? " over it" : ""}`),
      clear: () => did.push("clear"),
      set: (settings) => did.push(`set ${JSON.stringify(settings)}`),
      status: () => did.push("status"),
      note: (text) => did.push(text),
      page: (rows) => did.push(...rows),
      quit: () => did.push("quit"),
      ...over,
    },
  };
}

for (
  const [line, expected] of [
    ["/reply yes", ["reply yes"]],
    ["/search green build", ["search lobby green build"]],
    ["/ignore", ["You ignore Mallory"]],
    ["/ignore @Zoe", ["ignore Zoe"]],
    ['/ignore "Bob Smith"', ["ignore Bob Smith"]],
    ["/unignore mallory", ["unignore mallory"]],
    ["/away", ["away I am away"]],
    ["/away lunch", ["away lunch"]],
    ["/back", ["back"]],
    ["/export a b.md", ["export a b.md"]],
    ["/export! talk.md", ["export talk.md over it"]],
    ["/theme", ["theme is auto: /theme auto|dark|light|none"]],
    ["/theme Dark", ['set {"theme":"dark"}', "theme is now dark"]],
    ["/timestamp off", ['set {"timestamp":"off"}', "timestamp is now off"]],
    ["/bell all", ['set {"bell":"all"}', "bell is now all"]],
    ["/status", ["status"]],
    ["/help reply", ["/reply TEXT: Answer the last private message"]],
    ["/history", ["history lobby 50"]],
    ["/history 5", ["history lobby 5"]],
    ["/history 10,000", ["history lobby 10000"]],
    ["/older", ["older lobby 50"]],
    ["/older 486", ["older lobby 486"]],
    ["/window", ["rooms"]],
    ["/window 12", ["show 12"]],
    ["/window @Bob Smith", ["show @Bob Smith"]],
    ["/rooms", ["rooms"]],
  ] as const
) {
  Deno.test(`COMMANDS.run() does ${JSON.stringify(line)}`, () => {
    const { actions, did } = recorder();
    COMMANDS.run(line, actions);
    assertEquals(did, [...expected]);
  });
}

for (
  const [line, message] of [
    ["/hlep", "Unknown command /hlep. Did you mean /help?"],
    ["/zzzzzzz", "Unknown command /zzzzzzz. /help lists all commands."],
    ["/\x1b[2J", "Unknown command /␛[2J. /help lists all commands."],
    ["/reply", "Type an answer: /reply TEXT"],
    ["/search", "Type what to find: /search WORDS"],
    ["/search ?!", "Type what to find: /search WORDS"],
    [`/search ${"x".repeat(300)}`, "Search for at most 256 characters"],
    ["/unignore Bob", "You do not ignore Bob"],
    ["/ignore a/b", "Name the person: /ignore NAME"],
    ["/export", "Name a file: /export talk.md"],
    ["/clear!", "Unknown command /clear!. Did you mean /clear?"],
    ["/theme pink", "Choose one: /theme auto|dark|light|none"],
    ["/help nothing", "Unknown command: /help lists all"],
    ["/history 0", "Give a number from 1 to 10,000: /history 100"],
    ["/history many", "Give a number from 1 to 10,000: /history 100"],
    ["/history 1e3", "Give a number from 1 to 10,000: /history 100"],
    ["/older 0x10", "Give a number from 1 to 10,000: /older 100"],
    ["/older 10001", "Give a number from 1 to 10,000: /older 100"],
  ] as const
) {
  Deno.test(`COMMANDS.run() tells what is wrong with ${JSON.stringify(line)}`, () => {
    const { actions, did } = recorder();
    assertEquals(assertThrows(() => COMMANDS.run(line, actions), CommandError).message, message);
    assertEquals(did, []);
  });
}

Deno.test("COMMANDS.run() refuses commands about rooms elsewhere", () => {
  const { actions, did } = recorder({ place: { kind: "private", name: "Bob" } });
  for (const line of ["/search x", "/history", "/older"]) {
    assertThrows(() => COMMANDS.run(line, actions), CommandError, "This works in rooms only");
    const home = recorder({ place: { kind: "home" }, rooms: [] }).actions;
    assertThrows(() => COMMANDS.run(line, home), CommandError, "/join ROOM");
  }
  assertEquals(did, []);
});

Deno.test("isPrivateCommand() knows commands that send nothing to others", () => {
  const lines = ["/join x", " /theme dark", "/unknown", "/msg Bob hi", "/me x", "hi", "//x", "/"];
  assertEquals(lines.map(isPrivateCommand), [true, true, true, false, false, false, false, false]);
});

for (const columns of [80, 64, 40]) {
  Deno.test(`/help on ${columns} columns is made from the table of commands`, () => {
    const { actions, did } = recorder({ columns });
    COMMANDS.run("/help all", actions);
    const words = did.join(" ").replaceAll(/\s+/g, " ");
    for (const { name, help } of COMMANDS.all) {
      assert(did.some((line) => line.startsWith(`/${name}`)), name);
      for (const word of help.split(" ")) assert(words.includes(word), `${name}: ${word}`);
    }
    // Two columns are taken by the mark before each line; below 60, lines are wrapped as they come.
    if (columns >= 60) assert(did.every((line) => line.length <= columns - 3), did.join("\n"));
    assert(words.includes("Alt-a"));
  });
}

Deno.test("/help and /help keys fit a small screen with the prompt", () => {
  for (const [columns, rows] of [[80, 11], [40, 11]] as const) {
    const { actions, did } = recorder({ columns });
    COMMANDS.run("/help", actions);
    const shown = pageOf(did, { ...plainView(), columns });
    assert(shown.split("\n").length <= rows, shown);
    for (const { name } of COMMANDS.all) assert(shown.includes(`/${name}`), name);
    COMMANDS.run("/help keys", actions);
    const keys = pageOf(did.slice(did.length - 11), { ...plainView(), columns });
    assert(keys.split("\n").length <= rows, keys);
    assert(keys.startsWith("* Tab") && keys.includes("Ctrl-R"), keys);
  }
});

Deno.test("/help tells no keys that a terminal without escape sequences does not know", () => {
  for (const what of ["keys", "all"]) {
    const { actions, did } = recorder({ plain: true });
    COMMANDS.run(`/help ${what}`, actions);
    assert(did.some((row) => row.startsWith("Ctrl-D ")), did.join("\n"));
    assert(!did.some((row) => /^(?:Alt-|Tab|Up|Ctrl-[^CD])/.test(row)), did.join("\n"));
  }
});

Deno.test("/help COMMAND tells more, for every command", () => {
  for (const { name, more } of COMMANDS.all) {
    const { actions, did } = recorder();
    COMMANDS.run(`/help /${name}`, actions);
    assert(did[0]?.startsWith(`/${name}`), name);
    assertEquals(did[1], more);
  }
});

Deno.test("completeLine() offers candidates for the end of a line", () => {
  const known = {
    people: ["Carol", "Bob", "Bobby Lee", "Eve\x1b[2J"],
    rooms: ["lobby", "dev"],
    anyRoom: ["lobby", "dev", "docs"],
    windows: ["lobby", "dev", "@Bobby Lee"],
    ignored: ["Mallory"],
  };
  for (
    const [line, candidates, part] of [
      ["/h", ["/history ", "/help "], "/h"],
      ["/join #do", ["#docs "], "#do"],
      ["/window l", ["lobby "], "l"],
      ["/window @b", ["@Bobby Lee "], "@b"],
      ["/theme ", ["auto ", "dark ", "light ", "none "], ""],
      ["/timestamp t", ["time "], "t"],
      ["/help sea", ["search "], "sea"],
      ["/help k", ["keys "], "k"],
      ["/unignore m", ["Mallory "], "m"],
      ["/msg Bob tell ca", ["Carol "], "ca"],
      ["hi @Bob is ca", ["Carol "], "ca"],
      ["@", ["@Carol ", "@Bob ", "@Bobby Lee ", "@Eve␛[2J "], "@"],
      ["me@ca", [], "me@ca"],
      ["ＣＡ", ["Carol: "], "ＣＡ"],
      ["ca", ["Carol: "], "ca"],
      ["hi ca", ["Carol "], "ca"],
      ["/me hugs ca", ["Carol "], "ca"],
      ["//ca", [], "//ca"],
      ["eve", ["Eve␛[2J: "], "eve"],
      ["", [], ""],
      ["hi ", [], "hi "],
      ["/nick x", [], "x"],
      ["/join ca", [], "ca"],
      ["/nosuch c", ["Carol "], "c"],
    ] as const
  ) assertEquals(completeLine(line, known), [[...candidates], part], line);
});

Deno.test("Roster follows rooms and people", () => {
  const state = new Roster();
  for (const event of connectedEvents("Alice", ["Alice", "Bob"])) state.apply(event);
  assertEquals(state.people, ["Alice", "Bob"]);
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
  // Who spoke last comes first.
  state.apply(chatMessage("Dan", "hi"));
  state.apply(chatMessage("Carol", "hi"));
  assertEquals(state.people, ["Carol", "Dan", "Al"]);
  state.apply({ type: "left", room: "lobby" });
  assertEquals([state.rooms.size, state.people], [0, ["Carol", "Dan"]]);
});

Deno.test("Roster remembers a bounded number of the latest speakers", () => {
  const state = new Roster();
  for (let n = 0; n < 1000; n++) state.apply(chatMessage(`user${n}`, "hi"));
  assertEquals(state.people.length, 200);
  assert(state.people.includes("user999") && !state.people.includes("user0"));
});
