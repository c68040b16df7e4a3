import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ConnectError } from "../client/types.ts";
import { Chat } from "../terminal/chat.ts";
import type { Screen } from "../terminal/screen.ts";
import { beginning, FakeConversation, said, TIMESTAMP } from "./kit/fake_conversation.ts";
import { until } from "./kit/until.ts";

class FakeScreen implements Screen {
  readonly columns = 100;
  readonly lines: string[] = [];
  prompt = "";

  print(text: string): void {
    this.lines.push(...text.split("\n"));
  }

  setPrompt(prompt: string): void {
    this.prompt = prompt;
  }

  has(text: string): Promise<boolean> {
    return until(
      `"${text}" among ${JSON.stringify(this.lines)}`,
      () => this.lines.some((line) => line.includes(text)),
    );
  }
}

interface Setting {
  readonly conversation: FakeConversation;
  readonly screen: FakeScreen;
  readonly chat: Chat;
  readonly names: string[];
  readonly ended: Promise<number>;
}

function begin(): Setting {
  const conversation = new FakeConversation();
  const screen = new FakeScreen();
  const names: string[] = [];
  const chat = new Chat(conversation, screen, {
    color: false,
    now: () => Date.parse(TIMESTAMP),
    onName: (name) => names.push(name),
  });
  const ended = chat.run();
  conversation.emit(...beginning("Alice", ["Alice", "Bob"]));
  return { conversation, screen, chat, names, ended };
}

Deno.test("Chat shows events and sends lines to the room", async () => {
  const { conversation, screen, chat, names, ended } = begin();
  await screen.has("2 in lobby: Alice, Bob");
  assertEquals(screen.prompt, "[lobby] Alice> ");
  assertEquals(names, ["Alice"]);
  conversation.emit(said("Bob", "hi Alice"));
  await screen.has("Bob: hi Alice");
  const before = screen.lines.length;
  chat.line("hi Bob");
  assertEquals(conversation.sent[0]?.message, { message: "hi Bob", room: "lobby" });
  conversation.sent[0]?.ack();
  // Shown when it comes back from the hub, not before.
  assertEquals(screen.lines.length, before);
  conversation.emit(said("Alice", "hi Bob"));
  await screen.has("Alice: hi Bob");
  chat.line("/quit");
  assertEquals(await ended, 0);
});

Deno.test("Chat runs slash commands, and says what is wrong with one", async () => {
  const { conversation, screen, chat, ended } = begin();
  await screen.has("2 in lobby");
  chat.line("/who");
  await screen.has("* 2 in lobby: Alice, Bob");
  chat.line("/history 5");
  await screen.has("Bob: earlier");
  chat.line("/msg Bob psst");
  await screen.has("you @Bob: psst");
  chat.line("/me waves");
  chat.line("/nick Al");
  chat.line("/hlep");
  await screen.has("! Unknown command /hlep. Did you mean /help?");
  chat.line("/join dev");
  chat.line("for dev");
  chat.line("/join lobby");
  await screen.has("* You speak in lobby now");
  chat.line("/leave lobby");
  assertEquals(conversation.requests, [
    "who lobby",
    "history lobby 5",
    "direct Bob psst",
    "nick Al",
    "join dev",
    "leave lobby",
  ]);
  assertEquals(conversation.sent.map(({ message }) => message), [
    { message: "waves", room: "lobby", kind: "action" },
    { message: "for dev", room: "dev" },
  ]);
  conversation.sent.forEach((sent) => sent.ack());
  chat.line("exit");
  assertEquals(await ended, 0);
});

Deno.test("Chat names the room of a message once there are two", async () => {
  const { conversation, screen, chat, ended } = begin();
  await screen.has("2 in lobby");
  chat.line("/join dev");
  for (const event of beginning()) {
    if (event.type === "joined") conversation.emit({ ...event, room: "dev" });
  }
  conversation.emit(said("Bob", "here"));
  await screen.has("#lobby Bob: here");
  assertEquals(screen.prompt, "[dev] Alice> ");
  chat.line("quit");
  await ended;
});

Deno.test("Chat says when a message is refused, and what waits for the hub", async () => {
  const { conversation, screen, chat, ended } = begin();
  await screen.has("2 in lobby");
  chat.line("too fast");
  await until("the count", () => screen.prompt === "[lobby] Alice (1 waiting)> ");
  conversation.sent[0]?.refuse("rate_limited", "wait 2 s");
  await screen.has('! Not sent: "too fast": wait 2 s');
  await until("the plain prompt", () => screen.prompt === "[lobby] Alice> ");
  conversation.state = "offline";
  chat.line("later");
  await screen.has('* Goes out as soon as the hub is back: "later"');
  assertEquals(screen.prompt, "[lobby] Alice (offline, 1 waiting)> ");
  conversation.sent[1]?.ack();
  chat.line("quit");
  assertEquals(await ended, 0);
});

Deno.test("Chat tells a trouble once, however often the hub is tried", async () => {
  const { conversation, screen, chat, ended } = begin();
  const offline = {
    type: "offline",
    code: 1006,
    reason: "Nothing listens",
    retryIn: 9000,
  } as const;
  conversation.emit(offline, { type: "connecting", attempt: 1 }, offline, offline);
  conversation.emit(...beginning().slice(1, 2));
  conversation.emit(offline, said("Bob", "the end"));
  await screen.has("the end");
  const told = screen.lines.filter((line) => line.includes("Nothing listens"));
  assertEquals(told.length, 2);
  assertStringIncludes(told[0] ?? "", "Trying again in 9 s");
  chat.line("quit");
  await ended;
});

Deno.test("Chat leaves at once when nothing waits, and else waits for the hub", async () => {
  const { conversation, screen, chat, ended } = begin();
  await screen.has("2 in lobby");
  chat.line("last words");
  chat.interrupt();
  await screen.has("Waiting for the hub to have 1 message. Ctrl-C leaves at once");
  assertEquals(conversation.state, "online");
  conversation.sent[0]?.ack();
  assertEquals(await ended, 0);
  assertEquals(conversation.state, "closed");
});

Deno.test("Chat counts what the hub never had when Ctrl-C is pressed twice", async () => {
  const { screen, chat, ended } = begin();
  await screen.has("2 in lobby");
  chat.line("one");
  chat.line("two");
  chat.interrupt();
  chat.interrupt();
  assertEquals(await ended, 2);
});

Deno.test("Chat ends with what the conversation ends with", async () => {
  const { conversation, ended } = begin();
  conversation.break(new ConnectError("refused", "No token", { code: 4501 }));
  const error = await assertRejects(() => ended, ConnectError);
  assertEquals([error.failure, error.message], ["refused", "No token"]);
});

Deno.test("complete() offers what the chat knows", async () => {
  const { conversation, screen, chat, ended } = begin();
  await screen.has("2 in lobby");
  assertEquals(chat.complete("/msg B"), [["Bob "], "B"]);
  assertEquals(chat.complete("/leave "), [["lobby "], ""]);
  conversation.emit(said("Zoe", "hi"));
  await screen.has("Zoe: hi");
  assertEquals(chat.complete("z"), [["Zoe: "], "z"]);
  assert(chat.complete("/")[0].includes("/quit"));
  chat.line("quit");
  await ended;
});
