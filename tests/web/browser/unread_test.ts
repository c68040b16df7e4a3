import { assertEquals } from "@std/assert";
import { connect } from "../../../client.ts";
import { browserTests, type ChatPage } from "../../kit/browser.ts";
import { startTestHub } from "../../kit/test_hub.ts";
import { until } from "../../kit/wait.ts";

const test = browserTests();

/** The unread count of a conversation, and whether the user is mentioned. */
async function badge(chat: ChatPage, name: string): Promise<string> {
  const found = chat.thread(name).locator(".badge");
  // In one step, as a badge may disappear at any time.
  const [said] = await found.evaluateAll((all) =>
    all.map((each) => [each.textContent ?? "", each.className])
  );
  if (said === undefined) return "";
  const [text = "", classes = ""] = said;
  const number = /^\d+/.exec(text)?.[0] ?? "";
  return classes.includes("mention") ? `${number} @` : number;
}

async function badges(chat: ChatPage, wanted: Readonly<Record<string, string>>): Promise<void> {
  let found = {};
  try {
    await until("the badges", async () => {
      const names = Object.keys(wanted);
      const all = await Promise.all(names.map((name) => badge(chat, name)));
      found = Object.fromEntries(names.map((name, index) => [name, all[index]]));
      return JSON.stringify(found) === JSON.stringify(wanted);
    });
  } catch {
    assertEquals(found, wanted);
  }
}

test("messages stay unread through reloads, and until a closed tab is opened again", async (browser) => {
  await using hub = await startTestHub({ limits: { rate: 0 } });
  await using bob = connect({
    url: hub.url,
    sender: "Боб-1",
    rooms: [{ room: "lobby" }, { room: "r-2" }],
    echo: false,
  });
  await until("Bob is there", () => bob.state === "online");
  const say = async (texts: readonly string[]): Promise<void> => {
    for (const message of texts) {
      await bob.send({ room: "lobby", message });
    }
  };
  await say(["read 1", "read 2"]);
  await using profile = await browser.newProfile();
  let zoe = await profile.open(hub, { name: "Zoë-Øst" });
  await zoe.sees("read 2");
  await zoe.say("/join r-2");
  await zoe.page.getByText("This is #r-2").waitFor();
  await say(Array.from({ length: 40 }, (_, index) => `unread ${index}`));
  await say(["for @Zoë-Øst"]);
  await bob.direct("Zoë-Øst", { message: "psst 1" });
  await bob.direct("Zoë-Øst", { message: "psst 2" });
  await badges(zoe, { "lobby": "41 @", "Боб-1": "2 @" });

  // The second tab starts from the state that the first one stored.
  for (let round = 0; round < 2; round++) {
    await zoe.page.reload();
    await badges(zoe, { "lobby": "41 @", "Боб-1": "2 @" });
  }
  await bob.direct("Zoë-Øst", { message: "psst 3" });
  await badges(zoe, { "Боб-1": "3 @" });
  await zoe.thread("Боб-1").click();
  await zoe.page.locator(".new-line").waitFor();
  await badges(zoe, { "Боб-1": "" });

  // Opened, but not read to the end.
  await zoe.thread("lobby").click();
  await zoe.page.locator(".new-line").waitFor();
  await zoe.page.reload();
  await badges(zoe, { "lobby": "41 @", "Боб-1": "" });
  await zoe.page.locator(".new-line").waitFor();

  await zoe.page.close();
  await say(["while closed"]);
  zoe = await profile.open(hub, { name: "Zoë-Øst" });
  await badges(zoe, { "lobby": "42 @" });
  await zoe.thread("lobby").click();
  await zoe.page.locator(".log").evaluate((log) => log.scrollTop = log.scrollHeight);
  await badges(zoe, { "lobby": "" });
  await zoe.page.reload();
  await zoe.sees("while closed");
  await badges(zoe, { "lobby": "" });
});
