import { assert } from "@std/assert";
import fc from "fast-check";
import type { ClientEvent } from "../../client/types.ts";
import type { Message } from "../../protocol.ts";
import { ChatHarness } from "../kit/chat_harness.ts";
import {
  chatMessage,
  connectedEvents,
  errorFrame,
  roomJoined,
  TIMESTAMP,
} from "../kit/fake_connection.ts";

/** What this program writes of its own: colours, and what undoes them. */
// deno-lint-ignore no-control-regex -- ESC begins them
const OWN_SGR = /\x1b\[(?:1|2|1;7|22|22;27|39|38;5;\d{1,3})m/g;
/** What a terminal would obey, or would let one line look like another. */
const OBEYED = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200C\u200D])\p{Cf}/u;

/** Text that would like to do something. */
const evil = fc.tuple(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom(
    "\x1b[2J\x1b]0;title\x07",
    "\u202e\u2066",
    "\n[10:30:40] Alice: I quit",
    "\r\x9b31m",
    " ".repeat(70) + "* Bob left",
    "\x1b[1m\x1b[38;5;1m",
    "天地😀".repeat(12),
  ),
  fc.string({ unit: "grapheme", maxLength: 8 }),
).map((parts) => parts.join(""));

function events(name: string, text: string): ClientEvent[] {
  const direct = { type: "direct", timestamp: TIMESTAMP } as const;
  const joined = roomJoined(text, { members: [name, text] });
  return [
    ...connectedEvents("Alice", [name, text]),
    chatMessage(name, text),
    chatMessage(name, `${text} Alice ${text}`, { kind: "action", timestamp: text, id: 2 }),
    { ...chatMessage(name, "", { id: 3 }), message: text, data: { [text]: text } },
    joined,
    chatMessage(name, text, { room: text, id: 4 }),
    { ...direct, sender: name, to: "Alice", message: text },
    { ...direct, sender: "Alice", to: name, message: text },
    { type: "typing", room: "lobby", sender: name, active: true },
    { type: "presence", room: "lobby", online: 1, joined: [text], left: [`${name}2`] },
    { type: "presence", room: "lobby", online: 1, renamed: [{ from: name, to: text }] },
    { type: "system", message: text, timestamp: text, event: "notice" },
    errorFrame("internal", text, { re: "typing", room: name }),
    { type: "offline", code: 1006, reason: text, retryIn: 1000 },
    { type: "connecting", attempt: 1 },
    { ...joined, rejoined: true },
    { ...joined, rejoined: true, recovered: true, missed: 1 },
    { type: "left", room: text },
  ];
}

Deno.test("nothing that comes from others can make the terminal do anything", async () => {
  const check = async (name: string, text: string, columns: number): Promise<void> => {
    await using scene = await ChatHarness.joined({ color: true, columns, rows: 60 });
    const { chat, clock, connection, screen } = scene;
    const statuses: string[] = [];
    const look = async (): Promise<void> => {
      await scene.settle();
      statuses.push(...screen.status, screen.prompt);
    };
    const hostile: readonly Message[] = [
      chatMessage(name, text),
      chatMessage("Bob", text, { id: 2 }),
    ];
    connection.pages.push(hostile, hostile, hostile);
    connection.emit(...events(name, text));
    await look();
    clock.advance(500);
    connection.emit({ type: "typing", room: "lobby", sender: text, active: true });
    await look();
    for (
      const line of [
        "/rooms",
        "/history",
        `/search ${text}`,
        "/status",
        `/export /nowhere/${text}`,
        `/ignore ${text}`,
        "/ignore",
        `/away ${text}`,
        `/${text}`,
        `/help ${text}`,
        `/msg "${name}" ${text}`,
        `/join ${text}`,
        text,
      ]
    ) {
      chat.line(line);
      await look();
    }
    connection.sent.forEach((sent) => sent.reject("internal", text));
    await look();
    chat.chord({ kind: "room", number: 2 });
    chat.chord({ kind: "activity" });
    await look();
    for (const [candidates] of [chat.complete(""), chat.complete("/msg "), chat.complete("a")]) {
      statuses.push(...candidates);
    }
    for (const printed of [...screen.printed, ...statuses]) {
      for (const [at, row] of printed.split("\n").entries()) {
        const bare = row.replaceAll(OWN_SGR, "");
        assert(!OBEYED.test(bare), JSON.stringify(row));
        assert(at === 0 || bare === "" || bare.startsWith("  "), JSON.stringify(printed));
      }
    }
    assert(statuses.every((row) => !row.includes("\n")));
  };
  await fc.assert(
    fc.asyncProperty(evil, evil, fc.constantFrom(40, 80), check),
    { numRuns: 25 },
  );
});
