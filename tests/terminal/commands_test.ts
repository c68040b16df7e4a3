import { assert, assertEquals, assertThrows } from "@std/assert";
import { type CommandActions, CommandError, SLASH_COMMANDS } from "../../terminal/commands.ts";
import { completeLine, messageText, runLine } from "../../terminal/line.ts";
import { DEFAULT_SETTINGS } from "../../terminal/settings.ts";
import { Roster } from "../../terminal/roster.ts";
import { pageOf, plainView } from "../../terminal/view.ts";
import { chatMessage, connectedEvents } from "../kit/fake_connection.ts";

function recorder(
  over: Partial<CommandActions> = {},
): { readonly actions: CommandActions; readonly did: string[] } {
  const did: string[] = [];
  return {
    did,
    actions: {
      place: { kind: "room", room: "lobby" },
      rooms: ["lobby", "dev"],
      windows: ["lobby", "dev", "@Bob"],
      privates: ["Bob"],
      people: ["Bob", "Bob Smith", "Carol"],
      ignored: ["Mallory"],
      columns: 80,
      plain: false,
      settings: DEFAULT_SETTINGS,
      say: (text, how) => did.push(`${how ?? "say"} ${text}`),
      whisper: (to, text) => did.push(`whisper <${to}> ${text}`),
      reply: (text) => did.push(`reply ${text}`),
      openPrivate: (name) => did.push(`converse ${name}`),
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
    ["/leave", ['leave {"kind":"room","room":"lobby"}']],
    ["/leave dev", ['leave {"kind":"room","room":"dev"}']],
    ["/leave @Bob", ['leave {"kind":"private","name":"Bob"}']],
    ["/msg Bob", ["converse Bob"]],
    ["/msg @bob smith", ["converse Bob Smith"]],
    ["/msg Bob two\nlines", ["whisper <Bob> two\nlines"]],
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
    ["/clear", ["clear"]],
    ["/theme", ["theme is auto: /theme auto|dark|light|none"]],
    ["/theme Dark", ['set {"theme":"dark"}', "theme is dark now"]],
    ["/timestamp off", ['set {"timestamp":"off"}', "timestamp is off now"]],
    ["/bell all", ['set {"bell":"all"}', "bell is all now"]],
    ["/status", ["status"]],
    ["/help reply", ["/reply TEXT: Answer whoever wrote to you alone last"]],
    ["hi\nthere", ["say hi\nthere"]],
    ["/who", ["who lobby"]],
    ["/who dev", ["who dev"]],
    ["/history", ["history lobby 50"]],
    ["/history 5", ["history lobby 5"]],
    ["/history 10,000", ["history lobby 10000"]],
    ["/older", ["older lobby 50"]],
    ["/older 486", ["older lobby 486"]],
    ["/window", ["rooms"]],
    ["/window 12", ["show 12"]],
    ["/window @Bob Smith", ["show @Bob Smith"]],
    ["/rooms", ["rooms"]],
    ["/quit", ["quit"]],
    ["/exit", ["quit"]],
    ["/Q", ["quit"]],
    ["/name zoe-q", ["rename zoe-q"]],
    ["/users dev", ["who dev"]],
    ["/pm Bob hi", ["whisper <Bob> hi"]],
    ["/w Bob hi", ["whisper <Bob> hi"]],
    ["quit", ["quit"]],
    [" exit ", ["say  exit "]],
    ["exit strategy", ["say exit strategy"]],
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
    ["/msg", "Say to whom: /msg NAME TEXT"],
    ["/msg a/b hi", "Nobody can be called that: a/b"],
    ["/reply", "Say what to answer: /reply TEXT"],
    ["/search", "Say what to look for: /search WORDS"],
    ["/search ?!", "Say what to look for: /search WORDS"],
    [`/search ${"x".repeat(300)}`, "Look for at most 256 characters"],
    ["/unignore Bob", "You do not ignore Bob"],
    ["/ignore a/b", "Say whom: /ignore NAME"],
    ["/export", "Say into which file: /export talk.md"],
    ["/clear!", "Unknown command /clear!. Did you mean /clear?"],
    ["/theme pink", "Say which: /theme auto|dark|light|none"],
    ["/help nothing", "There is no such command: /help lists them"],
    ["/me", "Say what you do: /me waves"],
    ["/nick a/b", "A name has 1 to 32 visible characters without / @ # : /nick NAME"],
    ["/join ?", "A room is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit: /join ROOM"],
    ["/leave attic", "You are not in attic"],
    ["/history 0", "Say how many, from 1 to 10,000: /history 100"],
    ["/history many", "Say how many, from 1 to 10,000: /history 100"],
    ["/history 1e3", "Say how many, from 1 to 10,000: /history 100"],
    ["/older 0x10", "Say how many, from 1 to 10,000: /older 100"],
    ["/older 10001", "Say how many, from 1 to 10,000: /older 100"],
  ] as const
) {
  Deno.test(`runLine() says what is wrong with ${JSON.stringify(line)}`, () => {
    const { actions, did } = recorder();
    assertEquals(assertThrows(() => runLine(line, actions), CommandError).message, message);
    assertEquals(did, []);
  });
}

Deno.test("runLine() without a room says how to enter one", () => {
  const { actions, did } = recorder({ place: { kind: "home" }, rooms: [] });
  for (const line of ["hi", "//hi", "/who", "/leave", "/search x", "/history"]) {
    assertThrows(() => runLine(line, actions), CommandError, "/join ROOM");
  }
  assertEquals(did, []);
});

Deno.test("runLine() in private says what is for rooms", () => {
  const { actions, did } = recorder({ place: { kind: "private", name: "Bob" } });
  for (const line of ["/who", "/search x", "/history"]) {
    assertThrows(() => runLine(line, actions), CommandError, "That is for rooms");
  }
  runLine("/leave", actions);
  runLine("hi", actions);
  assertEquals(did, ['leave {"kind":"private","name":"Bob"}', "say hi"]);
});

Deno.test("sayingOf() tells messages from commands", () => {
  assertEquals(["hi", "  hi", "//x", "/x", ""].map(messageText), [
    "hi",
    "  hi",
    "/x",
    undefined,
    "",
  ]);
});

for (const columns of [80, 64, 40]) {
  Deno.test(`/help on ${columns} columns is made from the table of commands`, () => {
    const { actions, did } = recorder({ columns });
    runLine("/help all", actions);
    const words = did.join(" ").replaceAll(/\s+/g, " ");
    for (const { name, help } of SLASH_COMMANDS) {
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
    runLine("/help", actions);
    const shown = pageOf(did, { ...plainView(), columns });
    assert(shown.split("\n").length <= rows, shown);
    for (const { name } of SLASH_COMMANDS) assert(shown.includes(`/${name}`), name);
    runLine("/help keys", actions);
    const keys = pageOf(did.slice(did.length - 11), { ...plainView(), columns });
    assert(keys.split("\n").length <= rows, keys);
    assert(keys.startsWith("* Tab") && keys.includes("Ctrl-R"), keys);
  }
});

Deno.test("/help tells no keys that a terminal without escape sequences does not know", () => {
  for (const what of ["keys", "all"]) {
    const { actions, did } = recorder({ plain: true });
    runLine(`/help ${what}`, actions);
    assert(did.some((row) => row.startsWith("Ctrl-D ")), did.join("\n"));
    assert(!did.some((row) => /^(?:Alt-|Tab|Up|Ctrl-[^CD])/.test(row)), did.join("\n"));
  }
});

Deno.test("/help COMMAND tells more, for every command", () => {
  for (const { name, more } of SLASH_COMMANDS) {
    const { actions, did } = recorder();
    runLine(`/help /${name}`, actions);
    assert(did[0]?.startsWith(`/${name}`), name);
    assertEquals(did[1], more);
  }
});

Deno.test("completeLine() completes commands, arguments, names and rooms", () => {
  const known = {
    people: ["Carol", "Bob", "Bobby Lee", "Eve\x1b[2J"],
    rooms: ["lobby", "dev"],
    windows: ["lobby", "dev", "@Bobby Lee"],
    hubRooms: ["dev", "docs"],
    ignored: ["Mallory"],
  };
  for (
    const [line, candidates, part] of [
      ["/q", ["/quit"], "/q"],
      ["/h", ["/history ", "/help "], "/h"],
      ["/msg b", ["Bob ", "Bobby Lee "], "b"],
      ["/msg bobby l", ["Bobby Lee "], "bobby l"],
      ["/msg Bob tell ca", ["Carol "], "ca"],
      ["/leave d", ["dev "], "d"],
      ["/leave #d", ["#dev "], "#d"],
      ["/join d", ["dev ", "docs "], "d"],
      ["/join #do", ["#docs "], "#do"],
      ["/who do", ["docs "], "do"],
      ["@c", ["@Carol "], "@c"],
      ["hi @bobby l", ["@Bobby Lee "], "@bobby l"],
      ["hi (@b", ["@Bob ", "@Bobby Lee "], "@b"],
      ["/msg @ca", ["@Carol "], "@ca"],
      ["/ignore @ca", ["@Carol "], "@ca"],
      ["@", ["@Carol ", "@Bob ", "@Bobby Lee ", "@Eve␛[2J "], "@"],
      ["hi @Bob is ca", ["Carol "], "ca"],
      ["me@ca", [], "me@ca"],
      ["ＣＡ", ["Carol: "], "ＣＡ"],
      ["/join l", ["lobby "], "l"],
      ["/window l", ["lobby "], "l"],
      ["/window @b", ["@Bobby Lee "], "@b"],
      ["/theme ", ["auto ", "dark ", "light ", "none "], ""],
      ["/theme d", ["dark "], "d"],
      ["/timestamp t", ["time "], "t"],
      ["/bell m", ["mention "], "m"],
      ["/help sea", ["search "], "sea"],
      ["/help k", ["keys "], "k"],
      ["/unignore m", ["Mallory "], "m"],
      ["ca", ["Carol: "], "ca"],
      ["hi ca", ["Carol "], "ca"],
      ["/me hugs ca", ["Carol "], "ca"],
      ["//ca", [], "//ca"],
      ["eve", ["Eve␛[2J: "], "eve"],
      ["", [], ""],
      ["hi ", [], "hi "],
      ["/nick x", [], "x"],
      ["/nosuch c", ["Carol "], "c"],
    ] as const
  ) assertEquals(completeLine(line, known), [[...candidates], part], line);
});

Deno.test("ChatState follows rooms and people", () => {
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

Deno.test("ChatState remembers a bounded number of speakers, the last ones", () => {
  const state = new Roster();
  for (let n = 0; n < 1000; n++) state.apply(chatMessage(`user${n}`, "hi"));
  assertEquals(state.people.length, 200);
  assert(state.people.includes("user999") && !state.people.includes("user0"));
});
