import { HubApi, type HubApiOptions } from "../../client.ts";
import { ADDRESS_FLAGS, hubAddress } from "./address.ts";
import type { CommandInput } from "../../cli/command.ts";
import { TOKEN_FLAGS, tokenOption } from "./token.ts";
import { connectorFor, type HubConnector } from "./trust.ts";

/** The flags of commands that look on without taking part. */
export const OBSERVER_FLAGS = { ...ADDRESS_FLAGS, ...TOKEN_FLAGS };

/** A hub that is looked at from outside, until disposed. */
export class Observer extends HubApi implements AsyncDisposable {
  constructor(options: HubApiOptions, private readonly way: HubConnector) {
    super(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.way[Symbol.asyncDispose]());
  }
}

/**
 * The hub that such a command asks, over HTTP.
 *
 * @param options `token`: what the flags say, where that was read already.
 * @throws {CliError} when the address, the token or whom to trust make no sense.
 */
export async function observe(
  input: Pick<CommandInput<typeof OBSERVER_FLAGS>, "flags" | "positional" | "source">,
  options: Pick<HubApiOptions, "signal" | "timeout" | "token"> = {},
): Promise<Observer> {
  const url = hubAddress(input);
  const token = options.token === undefined ? await tokenOption(input, url) : {};
  const way = connectorFor(url, input.flags);
  const { fetch } = way.environment;
  return new Observer(
    { url, ...token, ...options, fetch },
    way,
  );
}
