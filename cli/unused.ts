import { portIn } from "../client.ts";
import { isStronger, type Source } from "./command.ts";

/** A setting that was said somewhere: where, and what. */
export interface GivenSetting {
  readonly source: Source;
  readonly text: string;
}

/**
 * The settings of one command that another one replaces, each with the flag that counts in its
 * place. The same rules as those by which commands choose: a URL and its parts, two tokens, two
 * places for messages.
 *
 * @param said what was said, by the name of the flag in configuration files; defaults are not in it.
 * @param isClient whether the command talks to a hub; a hub itself takes all tokens it is given.
 */
export function unusedSettings(
  said: ReadonlyMap<string, GivenSetting>,
  isClient: boolean,
): ReadonlyMap<string, string> {
  const unused = new Map<string, string>();
  /** Of two that exclude each other, `first` counts where both come from the same source. */
  const exclusive = (first: string, second: string): void => {
    const [one, other] = [said.get(first), said.get(second)];
    if (one === undefined || other === undefined) return;
    if (isStronger(other.source, one.source)) unused.set(first, second);
    else unused.set(second, first);
  };
  exclusive("url", "host");
  if (isClient) exclusive("token-file", "token");
  exclusive("memory", "data");
  const address = unused.has("url") ? "host" : said.has("url") ? "url" : "host";
  const [port, hub] = [said.get("port"), said.get(address)];
  if (port !== undefined && hub !== undefined && !isStronger(port.source, hub.source)) {
    const inFile = port.source === "profile" || port.source === "config";
    const isOthers = inFile && isStronger(hub.source, port.source);
    if (isOthers || portIn(hub.text)) unused.set("port", address);
  }
  return unused;
}
