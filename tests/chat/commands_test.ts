import { assertEquals, assertThrows } from "@std/assert";
import {
  type ChatActions,
  CommandError,
  CommandTable,
  isBareQuit,
  messageText,
  SHARED_COMMANDS,
} from "../../chat/commands.ts";

const COMMANDS = new CommandTable<ChatActions>([
  ...SHARED_COMMANDS,
  {
    name: "save",
    takes: "",
    help: "",
    forcible: true,
    run: (argument, { say }, forced) => say(`saved ${argument} ${forced}`),
  },
], (name) => `No /${name.length}.`);

function recorder(over: Partial<ChatActions> = {}): { actions: ChatActions; did: string[] } {
  const did: string[] = [];
  return {
    did,
    actions: {
      place: { kind: "room", room: "lobby" },
      rooms: ["lobby", "dev"],
      privates: ["Bob"],
      people: ["Bob", "Bob Smith", "Carol"],
      say: (text, kind) => did.push(`${kind ?? "say"} ${text}`),
      sendPrivate: (to, text) => did.push(`private <${to}> ${text}`),
      openPrivate: (name) => did.push(`open ${name}`),
      join: (room) => did.push(`join ${room}`),
      leave: (place) => did.push(`leave ${JSON.stringify(place)}`),
      rename: (name) => did.push(`rename ${name}`),
      who: (room) => did.push(`who ${room}`),
      clear: () => did.push("clear"),
      quit: () => did.push("quit"),
      ...over,
    },
  };
}

for (
  const [line, ...expected] of [
    ["hello", "say hello"],
    ["  indented code  ", "say   indented code"],
    ["hi\nthere", "say hi\nthere"],
    [""],
    ["   "],
    ["//shrug", "say /shrug"],
    ["/me waves", "action waves"],
    ["/ME waves", "action waves"],
    ["/msg Bob hi there", "private <Bob> hi there"],
    ["/msg bob smith hi", "private <Bob Smith> hi"],
    ['/msg "Dan Brown" hi', "private <Dan Brown> hi"],
    ['/msg @"Dan Brown" hi', "private <Dan Brown> hi"],
    ["/msg Zoe hi", "private <Zoe> hi"],
    ["/msg Bob two\nlines", "private <Bob> two\nlines"],
    ["/msg Bob", "open Bob"],
    ["/msg @bob smith", "open Bob Smith"],
    ["/nick  Al ", "rename Al"],
    ["/join Dev", "join dev"],
    ["/JOIN #dev", "join dev"],
    ["/leave", 'leave {"kind":"room","room":"lobby"}'],
    ["/leave dev", 'leave {"kind":"room","room":"dev"}'],
    ["/leave @bob", 'leave {"kind":"private","name":"bob"}'],
    ["/who", "who lobby"],
    ["/who dev", "who dev"],
    ["/clear", "clear"],
    ["/quit", "quit"],
    ["/exit", "quit"],
    ["/Q", "quit"],
    ["/name zoe-q", "rename zoe-q"],
    ["/users dev", "who dev"],
    ["/pm Bob hi", "private <Bob> hi"],
    ["/w Bob hi", "private <Bob> hi"],
    [" exit ", "say  exit"],
    ["exit strategy", "say exit strategy"],
    ["quit it", "say quit it"],
    ["/save x", "say saved x false"],
    ["/save! x", "say saved x true"],
  ] as const
) {
  Deno.test(`CommandTable.run() does ${JSON.stringify(line)}`, () => {
    const { actions, did } = recorder();
    COMMANDS.run(line, actions);
    assertEquals(did, [...expected]);
  });
}

for (
  const [line, message] of [
    ["/hlep", "Unknown command /hlep. No /4."],
    ["/\x1b[2J", "Unknown command /␛[2J. No /4."],
    ["/", "Unknown command /. No /0."],
    ["/quit!", "Unknown command /quit!. No /5."],
    ["/msg", "Name the person: /msg NAME TEXT"],
    ["/msg a/b hi", "Not a valid name: a/b"],
    ["/me", "Say what you are doing: /me waves"],
    ["/nick a/b", "A name has 1 to 32 visible characters without / @ # : (/nick NAME)"],
    ["/join ?", "A room is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit: /join ROOM"],
    ["/leave attic", "You are not in attic"],
    ["/leave @Carol", "You have no private conversation with Carol"],
    ["quit", "To disconnect, type /quit. To say it, put a space before it"],
    ["EXIT ", "To disconnect, type /quit. To say it, put a space before it"],
  ] as const
) {
  Deno.test(`CommandTable.run() tells what is wrong with ${JSON.stringify(line)}`, () => {
    const { actions, did } = recorder();
    assertEquals(assertThrows(() => COMMANDS.run(line, actions), CommandError).message, message);
    assertEquals(did, []);
  });
}

Deno.test("CommandTable.run() without a room tells how to enter one", () => {
  const { actions, did } = recorder({ place: { kind: "home" }, rooms: [] });
  for (const line of ["hi", "//hi", "/who", "/leave", "/me waves"]) {
    assertThrows(() => COMMANDS.run(line, actions), CommandError, "/join ROOM");
  }
  assertEquals(did, []);
});

Deno.test("CommandTable.run() refuses commands about rooms in a private conversation", () => {
  const { actions, did } = recorder({ place: { kind: "private", name: "Bob" } });
  for (const line of ["/who", "/me waves"]) {
    assertThrows(() => COMMANDS.run(line, actions), CommandError, "This works in rooms only");
  }
  COMMANDS.run("/leave", actions);
  COMMANDS.run("hi", actions);
  assertEquals(did, ['leave {"kind":"private","name":"Bob"}', "say hi"]);
});

Deno.test("messageText() tells messages from commands", () => {
  assertEquals(["hi", "  hi ", "//x", "/x", ""].map(messageText), [
    "hi",
    "  hi",
    "/x",
    undefined,
    "",
  ]);
});

Deno.test("isBareQuit() knows a word that may be meant as a command", () => {
  assertEquals(["quit", "EXIT ", " quit", "quit it"].map(isBareQuit), [true, true, false, false]);
});
