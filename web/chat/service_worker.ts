import type { ThreadKey } from "../state/types.ts";

/** The worker's script: the only address of a script that the page ever makes. */
const WORKER = "sw.js";

/** What browsers with trusted types want an address of a script to be. */
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { readonly createScriptURL: (url: string) => string },
  ): { createScriptURL(url: string): string };
}

/**
 * Has a worker keep the page's files, so that the page opens without a network. Browsers want an
 * encrypted connection for that, or `localhost`; elsewhere the page does without.
 *
 * @param show is told which thread a notification was about that somebody clicked.
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
    // deno-lint-ignore no-console -- nobody else is to know: the page works without
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
