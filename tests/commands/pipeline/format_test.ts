import { assertEquals, assertMatch } from "@std/assert";
import type { Message } from "../../../protocol.ts";
import { parseTemplate } from "../../../commands/pipeline/format.ts";
import { chatMessage, TIMESTAMP } from "../../kit/fake_connection.ts";

function format(template: string, message: Message = chatMessage("Bob", "hi")): string {
  const parsed = parseTemplate(template);
  return typeof parsed === "string" ? parsed : parsed({ message, epoch: "e1" });
}

Deno.test("`parseTemplate()` fills in every field", () => {
  const message = { ...chatMessage("Bob", "hi", { id: 7, kind: "action" }), data: { a: [1] } };
  const cases: [string, string][] = [
    ["{id} {room} {sender}: {message}", "7 lobby Bob: hi"],
    ["{timestamp} {kind} {epoch} {data}", `${TIMESTAMP} action e1 {"a":[1]}`],
    ["no field", "no field"],
    ["{{{id}}} }}{{", "{7} }{"],
    ["{id}{id}", "77"],
    ["", ""],
  ];
  for (const [template, line] of cases) assertEquals(format(template, message), line);
  // Years ago, and still nothing but the time of day: {date} is there for the rest.
  assertMatch(format("{date} {time}"), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  const odd = { ...chatMessage("Bob", ""), timestamp: "soon\n" + "x".repeat(99) };
  assertEquals(format("{date}", odd), "soon␊" + "x".repeat(25));
  assertEquals(format("{data}|{kind}|{account}|"), "|||");
  assertEquals(format("{account}", chatMessage("Bob", "hi", { account: "Bob" })), "Bob");
  const dataOnly = { ...chatMessage("Bob", ""), message: undefined, data: 1 } as unknown as Message;
  assertEquals(format("{message}|{data}", dataOnly), "|1");
});

Deno.test("`parseTemplate()` returns what is wrong, and lists the fields", () => {
  const fields = "the fields are id, room, sender, account, message, data, timestamp, date, " +
    "time, kind, epoch";
  const cases: [string, string][] = [
    ["{foo}", `it has {foo}, but ${fields}`],
    ["{}", `it has {}, but ${fields}`],
    ["{toString}", `it has {toString}, but ${fields}`],
    ["{Sender}", `it has {Sender}, but ${fields}`],
    ["{sender", "it has a single {: write {{ for a brace"],
    ["sender}", "it has a single }: write }} for a brace"],
    ["{\x1b[2J}", `it has {␛[2J}, but ${fields}`],
  ];
  for (const [template, problem] of cases) assertEquals(format(template), problem);
});

Deno.test("a formatted message is one harmless line, whatever it contains", () => {
  const evil = chatMessage("Bob", "hi\nAlice: forged\r\x1b]0;title\x07\u2028\u202eend", {
    data: { "\u001b": "\n\u202e" },
  });
  const line = format("{sender}: {message} {data}", evil);
  assertEquals(
    line,
    "Bob: hi␊Alice: forged␍␛]0;title␇<U+2028><U+202E>end " + String.raw`{"\u001b":"\n\u202e"}`,
  );
});
