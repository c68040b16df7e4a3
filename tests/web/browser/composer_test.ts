import { assert, assertEquals } from "@std/assert";
import { connect } from "../../../client.ts";
import { browserTests } from "../../kit/browser.ts";
import { startTestHub } from "../../kit/test_hub.ts";
import { until } from "../../kit/wait.ts";

const test = browserTests();

test("the emoji are one Tab stop, are searched by name, and reached with arrow keys", async (browser) => {
  await using hub = await startTestHub();
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "Alice" });
  const { page } = alice;
  const { keyboard } = page;
  const focused = (): Promise<string | null> =>
    page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? null);
  const picker = page.getByRole("group", { name: "Emoji" });
  await alice.composer.fill("ab");
  await keyboard.press("ArrowLeft");
  await keyboard.press("Shift+Tab");
  assertEquals(await focused(), "Emoji");
  await keyboard.press("Enter");
  await picker.waitFor();
  assertEquals(await focused(), "Search emoji");
  assertEquals(await picker.locator("button:not([tabindex='-1'])").count(), 1);
  await keyboard.press("Escape");
  assertEquals([await picker.count(), await focused()], [0, "Emoji"]);

  // The pointer does not move the focus from the draft.
  await alice.composer.focus();
  await page.getByRole("button", { name: "Emoji" }).click();
  await picker.waitFor();
  await keyboard.press("Escape");
  assertEquals([await picker.count(), await focused()], [0, "Message to #lobby"]);

  await page.getByRole("button", { name: "Emoji" }).click();
  await keyboard.press("ArrowDown");
  assertEquals(await focused(), "smile");
  await keyboard.press("ArrowRight");
  await keyboard.press("ArrowRight");
  assertEquals(await focused(), "joy");
  await keyboard.press("ArrowDown");
  await keyboard.press("ArrowUp");
  assertEquals(await focused(), "joy");
  await keyboard.press("End");
  assertEquals(await focused(), "infinity");
  await keyboard.press("ArrowRight");
  assertEquals(await focused(), "infinity");
  await keyboard.press("Home");
  assertEquals(await focused(), "smile");
  await keyboard.press("ArrowUp");
  assertEquals(await focused(), "Search emoji");
  await keyboard.type("red heart of nobody");
  await picker.getByText("No emoji found.").waitFor();
  await page.getByLabel("Search emoji").fill(":orange h");
  await until("found", async () => await picker.getByRole("button").count() === 1);
  await keyboard.press("Enter");
  assertEquals(await picker.count(), 0);
  assertEquals(await alice.composer.inputValue(), "a🧡b");
  await keyboard.type("!");
  assertEquals(await alice.composer.inputValue(), "a🧡!b");

  // Focusing another element closes the list.
  await page.getByRole("button", { name: "Emoji" }).click();
  await picker.waitFor();
  await page.locator(".log").focus();
  assertEquals([await picker.count(), await focused()], [0, "Messages in lobby"]);
  assert(!await picker.isVisible());
});

test("`quit` or `exit` alone asks what is meant, and is not sent", async (browser) => {
  await using hub = await startTestHub();
  await using bob = connect({ url: hub.url, sender: "Bob", rooms: [{ room: "lobby" }] });
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "Alice" });
  const { page } = alice;
  const question = page.locator(".composer-ask");
  for (const word of ["quit", " EXIT "]) {
    await alice.say(word);
    await question.waitFor();
    await alice.composer.press("Enter");
    assertEquals(await alice.composer.inputValue(), word);
  }
  await page.getByRole("button", { name: "Send it" }).click();
  await alice.sees("EXIT");
  // In a sentence, it is an ordinary word.
  await alice.say("quit smoking");
  await alice.sees("quit smoking");
  await alice.say("Quit");
  await alice.composer.fill("Quite");
  assertEquals(await question.count(), 0);
  await alice.say("quit");
  await page.getByRole("button", { name: "Disconnect" }).click();
  await page.locator(".banner").getByText("You disconnected").waitFor();
  const { messages } = await bob.history("lobby", {});
  assertEquals(messages.map(({ message }) => message), [" EXIT", "quit smoking"]);
});
