import { isLoopback, isUnspecified } from "../../lib/net.ts";
import { DEFAULT_PORT, visible } from "../../protocol.ts";

/** What a hub tells whoever started it. */
export interface ListeningAddress {
  readonly host: string;
  readonly port: number;
  /** The port of the line door, if there is one. */
  readonly tcpPort?: number | undefined;
  readonly rooms: readonly string[];
  /** Whether nobody comes in without a token. */
  readonly guarded: boolean;
  /** Where messages are kept, in words. */
  readonly history: string;
  /** What to type to run the program. */
  readonly program: string;
  /** Whether what travels is encrypted; default false. */
  readonly secure?: boolean;
  /** The fingerprint that clients have to name, where they cannot know the certificate otherwise. */
  readonly fingerprint?: string;
  /** What whoever started it should know about who can reach it, a sentence each. */
  readonly warnings: readonly string[];
  /** The machine's addresses, as {@linkcode lanAddresses} gives them. */
  readonly addresses: readonly string[];
  /** The addresses that it is bound to. */
  readonly bound: readonly string[];
}

/** Where the hub listens: one line for each of its doors. */
export function listeningLine(
  { host, port, tcpPort, secure = false }: Pick<
    ListeningAddress,
    "host" | "port" | "tcpPort" | "secure"
  >,
): string {
  const name = isUnspecified(host) ? "localhost" : host;
  const lines = tcpPort === undefined
    ? ""
    : `Listening on tcp://${authority(name, tcpPort)} for lines\n`;
  return `Listening on ${address(name, port, secure)}\n${lines}`;
}

/** Where the hub listens and how to join it. */
export function banner(listening: ListeningAddress): string {
  const { host, port, tcpPort, rooms, guarded, history, program, addresses, bound } = listening;
  const { secure = false, fingerprint } = listening;
  const pin = fingerprint === undefined ? "" : ` --fingerprint ${fingerprint}`;
  const remote = (name: string): string =>
    `  ${program} connect ${address(name, port, secure)}${pin}`;
  const everywhere = isUnspecified(host) && addresses.length > 0;
  const lines = [
    `Open ${page(isUnspecified(host) ? "localhost" : host, port, secure)} in a browser${
      everywhere ? ", or on other machines:" : ""
    }`,
    ...everywhere ? addresses.map((name) => `  ${page(name, port, secure)}`) : [],
    "",
    `  Rooms    ${rooms.join(", ")}`,
    `  History  ${history}`,
    `  Address  ${bound.map((each) => authority(each, port)).join(", ")}${
      host === "localhost" && bound.length === 1 ? " (this machine has no other loopback)" : ""
    }`,
    "",
    "Join from another terminal on this machine:",
    `  ${program} connect${localArguments(listening)}${pin}`,
  ];
  if (tcpPort !== undefined) {
    lines.push(`  nc ${isUnspecified(host) ? "localhost" : host} ${tcpPort}`);
  }
  if (everywhere) {
    lines.push("From another machine on this network:", ...addresses.map(remote));
  } else if (!isUnspecified(host) && reachableHost(bound) !== "localhost") {
    lines.push("From another machine:", remote(host));
  }
  if (guarded) {
    lines.push("Clients need a token: --token-file FILE, or BCAST_TOKEN.");
    if (tcpPort !== undefined) {
      lines.push("On the TCP port, send it as the first line: /token SECRET");
    }
  }
  if (listening.warnings.length > 0) lines.push("", ...listening.warnings);
  lines.push("", "Ctrl-C stops it.");
  return listeningLine(listening) + lines.map((line) => visible(line)).join("\n") + "\n";
}

/**
 * The addresses at which other machines find a hub that listens on all addresses; IPv4 first, as
 * people read them easier.
 */
export function lanAddresses(
  host: string,
  interfaces: readonly Pick<Deno.NetworkInterfaceInfo, "address" | "family">[],
): readonly string[] {
  // Link-local IPv6 means nothing without the name of an interface on the other machine.
  const usable = interfaces.filter(({ address }) =>
    !isLoopback(address) && !/^fe[89ab]/i.test(address) && !address.startsWith("169.254.")
  );
  const of = (family: "IPv4" | "IPv6"): readonly string[] =>
    usable.filter((each) => each.family === family).map((each) => each.address);
  // 0.0.0.0 is all of IPv4 alone; :: takes in both.
  return [...new Set([...of("IPv4"), ...host === "0.0.0.0" ? [] : of("IPv6")])];
}

/**
 * The host to show for one that was asked for: `0`, `::0` and a name for either are all addresses,
 * and there are several ways to write `localhost`.
 */
export function shownHost(host: string, bound: readonly string[]): string {
  if (host.toLowerCase() === "localhost") return "localhost";
  return bound.find(isUnspecified) ?? host;
}

/** The address at which other machines may reach a hub, or `localhost` where there is none. */
export function reachableHost(bound: readonly string[]): string {
  return bound.find((address) => !isLoopback(address)) ?? "localhost";
}

function localArguments({ host, port, secure = false }: ListeningAddress): string {
  const local = isUnspecified(host) || host === "localhost";
  if (secure || !local) return ` ${address(local ? "localhost" : host, port, secure)}`;
  return port === DEFAULT_PORT ? "" : ` --port ${port}`;
}

function page(host: string, port: number, secure: boolean): string {
  return `${secure ? "https" : "http"}://${authority(host, port)}`;
}

function address(host: string, port: number, secure: boolean): string {
  return `${secure ? "wss" : "ws"}://${authority(host, port)}/`;
}

/** A host and a port, IPv6 in brackets. */
export function authority(host: string, port: number): string {
  return `${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`;
}
