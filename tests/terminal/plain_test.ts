import { assert, assertEquals } from "@std/assert";
import { ConnectError } from "../../client/types.ts";
import { isPrivateCommand } from "../../terminal/completion.ts";
import { PlainScreen } from "../../editor/plain_screen.ts";
import { ChatHarness } from "../kit/chat_harness.ts";
import { memoryContext } from "../kit/memory_output.ts";

/** What becomes of lines on a plain screen that got `draft` back before. */
async function typed(
  draft: string,
  lines: readonly string[],
  react: (screen: PlainScreen, line: string) => void = () => {},
): Promise<{ readonly lines: readonly string[]; readonly text: string; readonly draft: string }> {
  const context = memoryContext({ input: lines.map((line) => `${line}\n`).join("") });
  using screen = new PlainScreen({
    output: context.stdout,
    input: context.stdin.readable,
    isCommand: isPrivateCommand,
  });
  screen.setDraft(draft);
  const came: string[] = [];
  const ended = Promise.withResolvers<void>();
  const never = (): never => {
    throw new Error("A plain screen has no keys");
  };
  screen.listen({
    line: (line) => {
      came.push(line);
      react(screen, line);
    },
    end: () => ended.resolve(),
    edited: never,
    shortcut: never,
    interrupt: never,
    discarded: never,
    complete: never,
    resized: never,
  });
  await ended.promise;
  return { lines: came, text: context.stdout.text, draft: screen.draft };
}

Deno.test("a command on a plain screen leaves the text that was given back, and shows it again", async () => {
  for (const draft of ["nowhere?", "//etc", "/msg Bob 字", "-- x", "two\nlines"]) {
    const rows = `> ${draft.replaceAll("\n", "\n> ")}\n`;
    for (const command of ["/join team", "/rooms", "/raums", " /who"]) {
      assertEquals(await typed(draft, [command, ""]), {
        lines: [command, draft],
        text: rows + rows,
        draft: "",
      });
    }
    // Something else to say takes its place.
    for (
      const other of [
        "hello",
        "//hello",
        "quit",
        "/me waves",
        "/msg Bob hi",
        "/w Bob hi",
        "/reply x",
      ]
    ) {
      assertEquals(await typed(draft, [other, ""]), { lines: [other, ""], text: rows, draft: "" });
    }
  }
});

Deno.test("a command on a plain screen that changes the draft has it shown once", async () => {
  const shown = await typed(
    "for the lobby",
    ["/window ops"],
    (screen) => screen.setDraft("for ops"),
  );
  assertEquals(shown, {
    lines: ["/window ops"],
    text: "> for the lobby\n> for ops\n",
    draft: "for ops",
  });
  const none = await typed("for the lobby", ["/window ops"], (screen) => screen.setDraft(""));
  assertEquals([none.text, none.draft], ["> for the lobby\n", ""]);
});

// On a plain screen what is typed stands there already, and the hub does not send it back.

const TEXTS = ["hello", "/me wävès", "//etc/hosts", "一行", "شكرا", "a\tb", "-- x"];

Deno.test("a plain screen that shows a window again shows what its user said there, in its place", async () => {
  for (const how of ["another window and back", "a setting"]) {
    await using scene = await ChatHarness.joined({ plain: true });
    const { chat, connection, screen } = scene;
    scene.joinRoom("ops");
    for (const [at, text] of TEXTS.entries()) {
      chat.line(text);
      connection.sent[at]?.ack();
      await scene.settle();
      scene.receive("Bob", `answer ${at}`);
      await screen.has(`Bob: answer ${at}`);
    }
    // Once: where it was typed.
    assert(!screen.printed.some((line) => /Alice:|Alice w/.test(line)), screen.text);
    if (how === "a setting") chat.line("/timestamp off");
    else {
      chat.line("/window ops");
      chat.line("/window lobby");
    }
    const shown = screen.lines.filter((line) => /Alice:|Bob:|Alice w/.test(line))
      .map((line) => line.replace(/^\[.*?\] /, ""));
    const said = (text: string): string =>
      text.startsWith("/me")
        ? `* Alice ${text.slice(4)}`
        : `Alice: ${text.replace("//", "/").replace("\t", "    ")}`;
    assertEquals(shown, TEXTS.flatMap((text, at) => [said(text), `Bob: answer ${at}`]));
  }
});

Deno.test("a plain screen shows what was acked while another window is shown, and counts nothing", async () => {
  await using scene = await ChatHarness.joined({ plain: true });
  const { chat, connection, screen } = scene;
  scene.joinRoom("ops");
  await scene.settle();
  chat.line("slow");
  chat.line("/window ops");
  connection.sent[0]?.ack();
  await scene.settle();
  assertEquals(screen.status, []);
  assert(!screen.text.includes("slow"), screen.text);
  chat.line("/window lobby");
  assert(screen.lines.some((line) => line.endsWith("Alice: slow")), screen.text);
});

Deno.test("another screen has from the hub what its user says, and shows it once", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, connection, screen } = scene;
  chat.line("hello");
  connection.sent[0]?.ack();
  await scene.settle();
  scene.receive("Alice", "hello");
  await screen.has("Alice: hello");
  chat.line("/timestamp off");
  assertEquals(screen.lines.filter((line) => line === "Alice: hello").length, 1);
});

Deno.test("a plain screen has no up arrow: what cannot be given back is told in full", async () => {
  await using scene = await ChatHarness.joined({ plain: true, columns: 200 });
  const { chat, connection, screen } = scene;
  const long = "字".repeat(70);
  for (const text of ["first", long, "/me thirds", "/msg Bob fourth"]) chat.line(text);
  for (const sent of connection.sent) sent.reject("rate_limited", "Slow down");
  connection.refuseDirect = "No one here is called Bob";
  chat.line("/msg Bob fifth");
  await screen.has("fifth");
  assertEquals(screen.draft, "first");
  const told = screen.lines.filter((line) => line.startsWith("! "));
  assertEquals(told, [
    "! Not sent: Slow down. You have it back below",
    `! Not sent: Slow down. You wrote: ${long}`,
    "! Not sent: Slow down. You wrote: /me thirds",
    "! Not sent: No one here is called Bob. You wrote: /msg Bob fifth",
  ]);
  assert(!screen.printed.join().includes("arrow"));
});

Deno.test("a plain screen tells in full what the end of the conversation left", async () => {
  await using scene = await ChatHarness.joined({ plain: true, columns: 200 });
  const { chat, connection, screen } = scene;
  chat.line("one");
  chat.line("two");
  const end = new ConnectError("rejected", "This hub wants a token", { code: 4501 });
  connection.fail(end);
  for (const sent of connection.sent) sent.fail(end);
  await screen.has("You wrote: two");
  assertEquals([screen.draft], ["one"]);
});
