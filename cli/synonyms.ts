/** Names of flags in other programs, and their names here: the first that a command has counts. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  addr: ["url", "host"],
  address: ["url", "host"],
  bind: ["host"],
  channel: ["room"],
  debug: ["log-level debug"],
  hostname: ["host"],
  hub: ["url"],
  listen: ["host"],
  nick: ["name"],
  nickname: ["name"],
  password: ["token"],
  secret: ["token"],
  server: ["url", "host"],
  trace: ["log-level trace"],
  user: ["name"],
  username: ["name"],
  v: ["log-level debug"],
  verbose: ["log-level debug"],
};

/** Names of commands in other programs, and their names here. */
const COMMANDS: Readonly<Record<string, string>> = {
  channels: "rooms",
  chat: "connect",
  client: "connect",
  hub: "start",
  join: "connect",
  people: "who",
  post: "send",
  pub: "send",
  publish: "send",
  run: "start",
  serve: "start",
  server: "start",
  sub: "listen",
  subscribe: "listen",
  tail: "listen",
  users: "who",
};

/**
 * This program's flag, without `--`, for a name from another program.
 *
 * @param known the flags of the command
 */
export function flagSynonym(name: string, known: readonly string[]): string | undefined {
  const wanted = Object.hasOwn(FLAGS, name) ? FLAGS[name] : undefined;
  return wanted?.find((flag) => known.includes(flag.split(" ")[0] ?? ""));
}

/** This program's command for a name from another program. */
export function commandSynonym(name: string, known: readonly string[]): string | undefined {
  const wanted = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  return wanted !== undefined && known.includes(wanted) ? wanted : undefined;
}
