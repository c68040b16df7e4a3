import type { ThreadKey } from "../state/types.ts";

/** The only script address that the page creates. */
const WORKER = "sw.js";

/** The API with which some browsers require script addresses to be created. */
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { readonly createScriptURL: (url: string) => string },
  ): { createScriptURL(url: string): string };
}

/**
 * Registers the service worker, with which the page opens without a network. It needs an encrypted
 * connection, or `localhost`; elsewhere the page works without.
 *
 * @param show is called with the thread of a clicked notification.
 */
export async function registerServiceWorker(show: (key: ThreadKey) => void): Promise<void> {
  const workers = navigator.serviceWorker;
  if (workers === undefined) return;
  workers.addEventListener("message", ({ data }: MessageEvent<{ readonly show?: unknown }>) => {
    if (isKey(data.show)) show(data.show);
  });
  try {
    await workers.register(trusted(WORKER), { updateViaCache: "none" });
  } catch (error) {
    // deno-lint-ignore no-console -- for developers: the page works without
    console.warn("The page will not open offline:", error);
  }
}

function trusted(url: string): string {
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes };
  return trustedTypes?.createPolicy("bcast", { createScriptURL: (same) => same })
    .createScriptURL(url) ?? url;
}

function isKey(value: unknown): value is ThreadKey {
  return typeof value === "string" && /^[#@]/.test(value);
}
