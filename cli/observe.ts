import { HubApi, type HubApiOptions } from "../client.ts";
import { ADDRESS_FLAGS, hubAddress } from "./address.ts";
import type { CommandInput } from "./command.ts";
import { TOKEN_FLAGS, tokenOption } from "./token.ts";

/** The flags of commands that look on without taking part. */
export const OBSERVER_FLAGS = { ...ADDRESS_FLAGS, ...TOKEN_FLAGS };

/** The hub that such a command asks, over HTTP. */
export async function observe(
  input: CommandInput<typeof OBSERVER_FLAGS>,
  options: Pick<HubApiOptions, "signal" | "timeout"> = {},
): Promise<HubApi> {
  return new HubApi({ url: hubAddress(input), ...await tokenOption(input), ...options });
}
