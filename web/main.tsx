/**
 * The web page: a conversation with the hub that served it.
 *
 * @module
 */

/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

import { render } from "preact";
import { App } from "./app/app.tsx";
import { hubAddress, readAddress, withoutToken } from "./chat/address.ts";
import { WebChat } from "./chat/web_chat.ts";
import { SavedState } from "./chat/saved_state.ts";
import { registerServiceWorker } from "./chat/service_worker.ts";

const page = new URL(location.href);
const address = readAddress(page);
const memory = new SavedState(page.pathname, address.name);
const chat = new WebChat(memory, hubAddress(page));

/** Reads the token from the address and removes it there. */
function takeToken(): void {
  const now = new URL(location.href);
  const { token } = readAddress(now);
  if (token !== undefined) chat.useToken(token);
  const clean = withoutToken(now);
  if (clean.href !== now.href) history.replaceState(history.state, "", clean);
}

takeToken();
// A link from the open page to itself with a token does not load the page again.
addEventListener("hashchange", takeToken);

const root = document.getElementById("app");
if (root === null) throw new Error("The page has no place for the app");
render(<App chat={chat} address={address} />, root);

// Timers of hidden pages run late, and those of a sleeping phone do not run at all. Browser events
// arrive sooner.
addEventListener("online", () => chat.wake());
addEventListener("focus", () => chat.wake());
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) void chat.resume();
});
addEventListener("storage", () => chat.refresh());
document.addEventListener("resume", () => chat.wake());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") chat.wake();
  else chat.saveNow();
});
addEventListener("pagehide", () => chat.close());

void registerServiceWorker((key) => chat.show(key));
