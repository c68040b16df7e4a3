import { HubApi, type HubApiOptions } from "../client.ts";
import { ADDRESS_FLAGS, hubAddress } from "./address.ts";
import { TOKEN_FLAG } from "./client_flags.ts";
import type { CommandInput } from "./command.ts";

/** The flags of commands that look on without taking part. */
export const OBSERVER_FLAGS = { ...ADDRESS_FLAGS, token: TOKEN_FLAG };

/** The hub that such a command asks, over HTTP. */
export function observe(
  input: CommandInput<typeof OBSERVER_FLAGS>,
  options: Pick<HubApiOptions, "signal" | "timeout"> = {},
): HubApi {
  const { token } = input.flags;
  return new HubApi({
    url: hubAddress(input),
    ...(token === undefined ? {} : { token }),
    ...options,
  });
}
