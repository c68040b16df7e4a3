import { DEFAULT_PORT, visible } from "../protocol.ts";

/** What a hub tells whoever started it. */
export interface Listening {
  readonly host: string;
  readonly port: number;
  /** The port of the line door, if there is one. */
  readonly tcpPort?: number | undefined;
  readonly rooms: readonly string[];
  /** Where messages are kept, in words. */
  readonly history: string;
  /** What to type to run the program. */
  readonly program: string;
  /** The machine's addresses, as {@linkcode lanAddresses} gives them. */
  readonly addresses: readonly string[];
}

/** Where the hub listens: one line for each of its doors. */
export function listeningLine(
  { host, port, tcpPort }: Pick<Listening, "host" | "port" | "tcpPort">,
): string {
  const name = isEverywhere(host) ? "localhost" : host;
  const lines = tcpPort === undefined
    ? ""
    : `Listening on ${address(name, tcpPort).replace(/^ws:(.*)\/$/, "tcp:$1")} for lines\n`;
  return `Listening on ${address(name, port)}\n${lines}`;
}

/** Where the hub listens and how to join it. */
export function banner(listening: Listening): string {
  const { host, port, tcpPort, rooms, history, program, addresses } = listening;
  const lines = [
    `  Rooms    ${rooms.join(", ")}`,
    `  History  ${history}`,
    "",
    "Join it from another terminal of this machine:",
    `  ${program} connect${localArguments(host, port)}`,
  ];
  if (tcpPort !== undefined) {
    lines.push(`  nc ${isEverywhere(host) ? "localhost" : host} ${tcpPort}`);
  }
  if (isEverywhere(host) && addresses.length > 0) {
    lines.push("From another machine of this network:");
    for (const each of addresses) lines.push(`  ${program} connect ${address(each, port)}`);
  } else if (!isLoopbackHost(host) && !isEverywhere(host)) {
    lines.push("From another machine:", `  ${program} connect ${address(host, port)}`);
  }
  if (!isLoopbackHost(host)) {
    lines.push(
      "",
      "Anybody who can reach this address may read and write here: there is no token",
      "yet, and nothing is encrypted. --host localhost keeps it to this machine.",
    );
  }
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
    !isLoopbackHost(address) && !/^fe[89ab]/i.test(address) && !address.startsWith("169.254.")
  );
  const of = (family: "IPv4" | "IPv6"): readonly string[] =>
    usable.filter((each) => each.family === family).map((each) => each.address);
  // 0.0.0.0 is all of IPv4 alone; :: takes in both.
  return [...new Set([...of("IPv4"), ...host === "0.0.0.0" ? [] : of("IPv6")])];
}

/** Whether `host` means all addresses of the machine. */
export function isEverywhere(host: string): boolean {
  return host === "0.0.0.0" || host === "::" || host === "[::]";
}

/** Whether `host` can be reached from this machine only. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || host.startsWith("127.");
}

function localArguments(host: string, port: number): string {
  const local = isEverywhere(host) || host === "localhost";
  if (local) return port === DEFAULT_PORT ? "" : ` --port ${port}`;
  return ` ${address(host, port)}`;
}

function address(host: string, port: number): string {
  const name = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  return `ws://${name}:${port}/`;
}
