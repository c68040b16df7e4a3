import { assertEquals } from "@std/assert";
import {
  TypingNotifier,
  type Typist,
  unexpired,
  withoutTypists,
  withTypist,
} from "../../chat/typing.ts";
import { FakeClock } from "../kit/fake_clock.ts";

function notifier(): { clock: FakeClock; typing: TypingNotifier; notices: string[] } {
  const clock = new FakeClock();
  const notices: string[] = [];
  const typing = new TypingNotifier(clock, (room, on) => notices.push(`${room} ${on}`));
  return { clock, typing, notices };
}

Deno.test("TypingNotifier notifies at most every three seconds, and when the user pauses", () => {
  const { clock, typing, notices } = notifier();
  typing.edited("lobby", "h");
  typing.edited("lobby", "hi");
  assertEquals(notices.splice(0), ["lobby true"]);
  clock.advance(3000);
  typing.edited("lobby", "hi ");
  assertEquals(notices.splice(0), ["lobby true"]);
  clock.advance(4999);
  assertEquals(notices, []);
  clock.advance(1);
  assertEquals(notices.splice(0), ["lobby false"]);
  typing.edited("lobby", "//x");
  typing.stop();
  typing.stop();
  assertEquals(notices.splice(0), ["lobby true", "lobby false"]);
  typing.edited("lobby", "y");
  assertEquals(notices, []);
});

Deno.test("TypingNotifier tells a room that the user has switched to another", () => {
  const { clock, typing, notices } = notifier();
  typing.edited("lobby", "h");
  clock.advance(3000);
  typing.edited("dev", "h");
  typing.edited(undefined, "private");
  assertEquals(notices, ["lobby true", "lobby false", "dev true", "dev false"]);
});

Deno.test("TypingNotifier announces neither commands nor empty drafts", () => {
  const { typing, notices } = notifier();
  for (const draft of ["/h", " /h", "  ", ""]) typing.edited("lobby", draft);
  assertEquals(notices, []);
});

Deno.test("typists keep their order, and expire after six seconds", () => {
  let typists: readonly Typist[] = [];
  const names = (): readonly string[] => typists.map(({ name }) => name);
  typists = withTypist(withTypist(typists, "Bob", 0), "Carol", 1000);
  typists = withTypist(typists, "BOB", 2000);
  assertEquals(names(), ["BOB", "Carol"]);
  typists = unexpired(typists, 7000);
  assertEquals(names(), ["BOB"]);
  assertEquals(withoutTypists(typists, "Carol", "bob"), []);
  for (let n = 0; n < 100; n++) typists = withTypist(typists, `u${n}`, 0);
  assertEquals(typists.length, 50);
});
