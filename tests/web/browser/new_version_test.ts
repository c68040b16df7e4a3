import { assertEquals } from "@std/assert";
import { connect } from "../../../client.ts";
import { type BrowserProfile, browserTests } from "../../kit/browser.ts";
import { temporaryFolder } from "../../kit/folder.ts";
import { startTestHub } from "../../kit/test_hub.ts";
import { until } from "../../kit/wait.ts";

const test = browserTests();

/** Makes the hub serve a page of another version from now on. */
async function serveNewVersion({ context }: BrowserProfile): Promise<void> {
  await context.route((url) => url.pathname === "/", async (route) => {
    const answer = await fetch(route.request().url(), { headers: { accept: "text/html" } });
    const body = (await answer.text()).replace(/assets\/app-\w+\.js/, "assets/app-another.js");
    // The replaced body is not compressed, and has another length.
    const kept = [...answer.headers].filter(([name]) => !name.startsWith("content-"));
    const policy = answer.headers.get("content-security-policy");
    const headers = {
      ...Object.fromEntries(kept),
      "content-type": "text/html; charset=utf-8",
      ...(policy === null ? {} : { "content-security-policy": policy }),
    };
    await route.fulfill({ status: answer.status, headers, body });
  });
}

test("an open page announces a new version, and reloading keeps the draft", async (browser) => {
  let hub = await startTestHub();
  const { port } = hub;
  try {
    await using profile = await browser.newProfile({ serviceWorkers: "block" });
    const alice = await profile.open(hub, { name: "Alice" });
    const { page } = alice;
    const notice = page.locator(".new-version").getByText("New version.");
    const restart = async (): Promise<void> => {
      await hub.stop();
      await page.locator(".banner").getByText("Trying again").waitFor();
      const asked = page.waitForResponse((answer) => new URL(answer.url()).pathname === "/");
      hub = await startTestHub({ port });
      await (await asked).finished();
    };
    await restart();
    await page.locator(".banner").getByText("Back online").waitFor();
    assertEquals(await notice.count(), 0, "the same version");

    await alice.composer.fill("half a thou");
    await serveNewVersion(profile);
    await restart();
    await notice.waitFor();
    assertEquals(await alice.composer.inputValue(), "half a thou");
    await alice.composer.press("End");
    await alice.composer.pressSequentially("ght");
    await profile.context.unrouteAll();
    await page.getByRole("button", { name: "Reload" }).click();
    await notice.waitFor({ state: "detached" });
    await page.locator(".dot.online").waitFor({ state: "attached" });
    assertEquals(await alice.composer.inputValue(), "half a thought");
  } finally {
    await hub.stop();
  }
});

test("without browser storage, a new version does not lose a draft", async (browser) => {
  let hub = await startTestHub();
  const { port } = hub;
  try {
    await using profile = await browser.newProfile({ serviceWorkers: "block" });
    await profile.context.addInitScript(() => {
      for (const storage of ["localStorage", "sessionStorage"]) {
        Object.defineProperty(globalThis, storage, {
          get: () => {
            throw new Error("Not here");
          },
        });
      }
    });
    const alice = await profile.open(hub, { name: "Alice" });
    await alice.composer.fill("precious");
    await serveNewVersion(profile);
    await hub.stop();
    hub = await startTestHub({ port });
    await alice.page.getByRole("button", { name: "Reload" }).click();
    await alice.page.getByText("Send or copy your draft first").waitFor();
    assertEquals(await alice.composer.inputValue(), "precious");
    await alice.page.getByRole("button", { name: "Later" }).click();
    assertEquals(await alice.page.getByText("New version.").count(), 0);
  } finally {
    await hub.stop();
  }
});

test("search finds loaded messages while offline and says so, and all messages once online", async (browser) => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/bcast.db`;
  let hub = await startTestHub({ path, limits: { rate: 0 } });
  const { port } = hub;
  try {
    await using bob = connect({ url: hub.url, sender: "Bob", echo: false });
    const texts = Array.from({ length: 300 }, (_, index) => {
      return index === 1
        ? "an old needle"
        : index === 290
        ? "a new **needle**, naïve"
        : `hay ${index}`;
    });
    await Promise.all(texts.map((message) => bob.send({ message })));
    await using profile = await browser.newProfile();
    const alice = await profile.open(hub, { name: "Alice" });
    await alice.sees("hay 299");
    await hub.stop();
    await alice.page.locator(".banner").getByText("Trying again").waitFor();
    await alice.page.keyboard.press("Control+Shift+f");
    const dialog = alice.page.getByRole("dialog");
    await dialog.getByLabel("Words").fill("need");
    await dialog.getByText(
      "There is no connection: only what this page has loaded is searched. 1 message found.",
    ).waitFor();
    assertEquals(await dialog.locator(".result-text").allInnerTexts(), ["a new **needle**, naïve"]);
    await dialog.getByLabel("Words").fill("nothing like it");
    await dialog.getByText("Nothing was found.").waitFor();
    await dialog.getByLabel("Words").fill("naïve needle");
    await dialog.getByText("1 message found.").waitFor();
    await dialog.getByLabel("Words").fill("needle");
    hub = await startTestHub({ path, port });
    await until("all found", async () => await dialog.locator(".results li").count() === 2);
    await dialog.getByText(/^2 messages found\.$/).waitFor();
    await dialog.getByRole("button", { name: "Bob" }).first().click();
    await alice.page.locator("article.found, article:focus").getByText("a new **needle**")
      .waitFor();
  } finally {
    await hub.stop();
  }
});
