import { isLoopback, isUnspecified } from "../../lib/net.ts";
import { DEFAULT_PORT, visible } from "../../protocol.ts";

/** A running hub, as its banner describes it. */
export interface ListeningAddress {
  readonly host: string;
  readonly port: number;
  readonly tcpPort?: number | undefined;
  readonly rooms: readonly string[];
  /** Whether clients need a token. */
  readonly guarded: boolean;
  /** Where messages are kept, as text. */
  readonly history: string;
  /** The command that runs this program. */
  readonly program: string;
  /** Whether traffic is encrypted; default false. */
  readonly secure?: boolean;
  /** The fingerprint of a self-signed certificate, which clients have to pin. */
  readonly fingerprint?: string;
  /** A sentence each. */
  readonly warnings: readonly string[];
  /** The result of {@linkcode lanAddresses}. */
  readonly addresses: readonly string[];
  /** The addresses that the hub is bound to. */
  readonly bound: readonly string[];
}

/** One line per transport. */
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

/** The output of `bcast start`: where the hub listens, and how to join it. */
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

/** How a hub can be reached. */
export interface Exposure {
  readonly host: string;
  /** Whether clients need a token. */
  readonly guarded: boolean;
  /** Whether traffic is encrypted. */
  readonly secure: boolean;
  readonly tcpPort?: number | undefined;
}

/** Warnings for the operator, a sentence each; none for a hub that only this machine can reach. */
export function exposureWarnings({ host, guarded, secure, tcpPort }: Exposure): readonly string[] {
  if (isLoopback(host)) return [];
  const warnings: string[] = [];
  if (!guarded) {
    warnings.push(
      "No token is required: every client that can reach this address may read and write.",
      "Create a token with bcast token secret FILE, and require it with --token-file FILE.",
    );
  }
  if (!secure) {
    warnings.push(
      "Traffic is not encrypted: use --tls-self-signed, or --tls-cert and --tls-key.",
    );
  } else if (tcpPort !== undefined) {
    warnings.push("Traffic on the --tcp port is never encrypted, tokens included.");
  }
  if (warnings.length === 0) return [];
  return [...warnings, "To accept only clients on this machine, use --host localhost."];
}

/**
 * The addresses at which other machines reach a hub that listens on all addresses. IPv4 comes first,
 * as it is easier to read.
 */
export function lanAddresses(
  host: string,
  interfaces: readonly Pick<Deno.NetworkInterfaceInfo, "address" | "family">[],
): readonly string[] {
  // Link-local IPv6 addresses need the name of an interface of the other machine.
  const usable = interfaces.filter(({ address }) =>
    !isLoopback(address) && !/^fe[89ab]/i.test(address) && !address.startsWith("169.254.")
  );
  const of = (family: "IPv4" | "IPv6"): readonly string[] =>
    usable.filter((each) => each.family === family).map((each) => each.address);
  // 0.0.0.0 covers IPv4 only, :: both.
  return [...new Set([...of("IPv4"), ...host === "0.0.0.0" ? [] : of("IPv6")])];
}

/**
 * The canonical form of a requested host: `0`, `::0` and others mean all addresses, and `localhost`
 * may be in upper case.
 */
export function shownHost(host: string, bound: readonly string[]): string {
  if (host.toLowerCase() === "localhost") return "localhost";
  return bound.find(isUnspecified) ?? host;
}

/** An address that other machines can reach, or `localhost` if there is none. */
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

/** `host:port`, with IPv6 in brackets. */
export function authority(host: string, port: number): string {
  return `${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`;
}
