import { assert, assertEquals, assertMatch } from "@std/assert";
import { type ClientConnection, connect } from "../../client.ts";
import { TmuxChat } from "../kit/tmux_chat.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { tmuxIsMissing } from "../kit/tmux.ts";
import { until } from "../kit/wait.ts";

const ignore = tmuxIsMissing();
const SIZE = { columns: 80, rows: 24 };
const UNLIMITED = { limits: { rate: 100_000, burst: 100_000 } };
const ROOMS = [{ room: "lobby" }, { room: "ops" }];
const IN_BOTH = ["--room", "lobby", "--room", "ops"];

async function speaker(url: string, sender = "山田 太郎"): Promise<ClientConnection> {
  const conversation = connect({ url, sender, rooms: ROOMS, echo: false });
  await until(sender, () => conversation.state === "online");
  return conversation;
}

async function sayAll(
  { send }: Pick<ClientConnection, "send">,
  room: string,
  texts: readonly string[],
): Promise<void> {
  await Promise.all(texts.map((message) => send({ room, message })));
}

/** `from` to `to`, each with a word before it. */
function numbered(word: string, from: number, to: number): readonly string[] {
  return Array.from({ length: to - from + 1 }, (_, at) => `${word} ${from + at}`);
}

/** What was said, in the order in which it can be read from top to bottom. */
function read(scrollback: string, word: string): readonly string[] {
  return [...scrollback.matchAll(new RegExp(`: (${word} \\d+)$`, "gm"))].map(([, said = ""]) =>
    said
  );
}

Deno.test({
  name: "a real terminal: of 1,500 unread lines all can be read, with the command that is told",
  ignore,
  fn: async () => {
    await using hub = await startTestHub(UNLIMITED);
    const { url } = hub;
    await using bob = await speaker(url);
    const all = numbered("line", 1, 1500);
    await using scene = await TmuxChat.open({ ...SIZE, url, args: IN_BOTH });
    const { terminal } = scene;
    await terminal.press("M-2");
    await terminal.shows(/^\[ops\] Alice>$/m);
    await terminal.type("half a draft");
    await sayAll({ send: (message) => bob.send(message) }, "lobby", all);
    await terminal.shows(/^1:lobby 1,500 unread\n\[ops\] Alice> half a draft$/m);
    await terminal.press("M-1");
    await terminal.shows(/: line 1500\n\[lobby\] Alice>$/);
    const first = await terminal.everything();
    const [, told = "", count = "", command = ""] =
      /── 1,500 unread lines ─+\n! (The first (\d+) lines of them are not shown: (\/older \d+) shows them)\n/
        .exec(first) ?? [];
    assert(told !== "", first.slice(0, 2000));
    const shown = read(first, "line");
    assertEquals(shown, all.slice(Number(count)));
    await scene.say(command);
    await terminal.shows(new RegExp(`: line ${count}\\n\\* Now:\\n\\[lobby\\] Alice>$`));
    const second = await terminal.everything();
    assertMatch(second, new RegExp(`^\\* ${count} messages before that in lobby`, "m"));
    assertEquals(read(second, "line"), [...shown, ...all.slice(0, Number(count))]);
    await terminal.press("M-2");
    await terminal.shows(/^\[ops\] Alice> half a draft$/m);
  },
});

Deno.test({
  name: "a real terminal: /history takes several pages, and /older goes on to the first message",
  ignore,
  fn: async () => {
    await using hub = await startTestHub(UNLIMITED);
    const { url } = hub;
    await using bob = await speaker(url);
    const all = numbered("line", 1, 1200);
    await sayAll({ send: (message) => bob.send(message) }, "lobby", all);
    await using scene = await TmuxChat.open({ ...SIZE, url });
    const { terminal } = scene;
    await scene.say("/history 1000");
    await terminal.shows(/: line 1200\n\* Now:\n\[lobby\] Alice>$/);
    const text = await terminal.everything();
    assertMatch(text, /^\* The last 1,000 messages in lobby \(\/older shows earlier ones\):$/m);
    assertEquals(read(text, "line").slice(-1000), all.slice(200));
    await scene.say("/older");
    await terminal.shows(/: line 200\n\* Now:\n\[lobby\] Alice>$/);
    await scene.say("/older 500");
    await terminal.shows(/: line 150\n\* Now:\n\[lobby\] Alice>$/);
    const whole = await terminal.everything();
    assertMatch(whole, /^\* 150 messages before that in lobby, which is all there is:$/m);
    assertEquals(read(whole, "line").slice(-200), [...all.slice(150, 200), ...all.slice(0, 150)]);
    await scene.say("/older");
    await terminal.shows(/^\* There is no older message in lobby\n\[lobby\] Alice>$/m);
  },
});

Deno.test({
  name:
    "a real terminal: switching, /clear, Ctrl-L, /theme and other sizes take nothing from the scrollback",
  ignore,
  fn: async () => {
    await using hub = await startTestHub(UNLIMITED);
    const { url } = hub;
    await using bob = await speaker(url);
    const say = (room: string, texts: readonly string[]): Promise<void> =>
      sayAll({ send: (message) => bob.send(message) }, room, texts);
    await using scene = await TmuxChat.open({ ...SIZE, url, args: IN_BOTH });
    const { terminal } = scene;
    const places = [["lobby", "M-1", "first"], ["ops", "M-2", "second"]] as const;
    // What was shown just before the window is left, by any way, is what was erased.
    const ways: readonly (readonly [string, () => Promise<void>])[] = [
      ["switching", () => Promise.resolve()],
      ["/clear", () => scene.say("/clear")],
      ["Ctrl-L", () => terminal.press("C-l")],
      ["/theme", () => scene.say("/theme light")],
      ["a narrower screen", () => terminal.resize(60, 24)],
      ["a lower screen", () => terminal.resize(60, 18)],
      ["a wider screen", () => terminal.resize(80, 24)],
    ];
    let said = 0;
    for (const [what, way] of ways) {
      for (const [room, key, word] of places) {
        const texts = numbered(word, said + 1, said + 7);
        await terminal.press(key);
        await terminal.shows(new RegExp(`^\\[${room}\\] Alice>$`, "m"));
        await say(room, texts);
        await terminal.shows(new RegExp(`: ${texts.at(-1)}\\n`, "m"));
        await way();
        // Said while it is away, for the next round.
        await say(room === "lobby" ? "ops" : "lobby", [`aside ${what.length}`]);
      }
      said += 7;
    }
    await terminal.press("M-1");
    await terminal.shows(/^\[lobby\] Alice>$/m);
    const text = await terminal.everything();
    for (const [, , word] of places) {
      // Some of it may be there twice, as a line above it tells; none of it is missing.
      assertEquals([...new Set(read(text, word))], numbered(word, 1, said), word);
    }
    assertMatch(text, /^── ops, shown before ─+$/m);
  },
});
