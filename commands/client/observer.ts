import { HubApi, type HubApiOptions } from "../../client.ts";
import { ADDRESS_FLAGS, hubAddress } from "./address.ts";
import type { CommandInput } from "../../cli/command.ts";
import { TOKEN_FLAGS, tokenOption } from "./token.ts";
import { connectorFor, type HubConnector } from "./trust.ts";

export const OBSERVER_FLAGS = { ...ADDRESS_FLAGS, ...TOKEN_FLAGS };

/** The HTTP API of a hub, until disposed. */
export class Observer extends HubApi implements AsyncDisposable {
  constructor(options: HubApiOptions, private readonly way: HubConnector) {
    super(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.way[Symbol.asyncDispose]());
  }
}

/**
 * Opens the HTTP API of the hub that the flags name.
 *
 * @param options `token`: the result of {@linkcode tokenOption}, if it was called already.
 * @throws {CliError} for an invalid address, token or certificate.
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
