import { isIP } from "node:net";
import { DEFAULT_RETENTION } from "../../broker/broker.ts";
import * as flag from "../../cli/flags.ts";
import { LOG_FLAGS } from "../../cli/logging.ts";
import { DEFAULT_PORT, DEFAULT_ROOM, isRoomName, MAX_HISTORY_PAGE } from "../../protocol.ts";
import { DEFAULT_SERVER_LIMITS } from "../../server/limits/server_limits.ts";
import { METRICS_EXPOSURES } from "../../server/http/metrics_endpoint.ts";
import { ACCESS_FLAGS } from "./auth_flags.ts";
import { TLS_FLAGS } from "./tls.ts";

const LIMITS = "Limits";
const defaults = DEFAULT_SERVER_LIMITS;

/** The flags of `bcast start`. */
export const START_FLAGS = {
  host: flag.value({
    fallback: "localhost",
    placeholder: "HOST",
    expects: "a host name or an IP address without a port (a Unix socket is neither)",
    parse: readHost,
    help: "Address to listen on; 0.0.0.0 for all networks",
  }),
  port: flag.integer({
    fallback: DEFAULT_PORT,
    max: 65_535,
    help: "Port to listen on; 0 picks a free one",
  }),
  room: flag.list({
    fallback: [DEFAULT_ROOM],
    placeholder: "ROOM",
    expects: "a room: 1 to 64 of a-z 0-9 . _ - that start with a letter or digit",
    accepts: isRoomName,
    help: "Default room for clients that name none (repeatable)",
  }),
  data: flag.text({
    placeholder: "DIR",
    help: "Keep messages in DIR instead of your data directory",
  }),
  memory: flag.toggle({ help: "Keep messages in memory only; lost on exit" }),
  fsync: flag.choice(["normal", "always"], {
    fallback: "normal",
    help: "When to sync to disk; always survives power cuts",
  }),
  ...ACCESS_FLAGS,
  drain: flag.seconds({
    fallback: 0,
    max: 3600,
    help: "On shutdown, disconnect clients gradually over this long",
  }),
  tcp: flag.value<number | undefined>({
    fallback: undefined,
    placeholder: "PORT",
    expects: "a port from 0 to 65535",
    parse: (given) => {
      const port = /^[0-9]{1,5}$/.test(given) ? Number(given) : Number.NaN;
      return port <= 65_535 ? port : undefined;
    },
    help: "Also accept plain text lines (nc, telnet) on PORT",
  }),
  clientsFile: flag.text({
    placeholder: "FILE",
    help: "Write connected clients to FILE as JSON, for scripts",
  }),
  metrics: flag.choice(METRICS_EXPOSURES, {
    fallback: "local",
    help: "Serve /metrics to this machine (local) or all clients",
  }),
  ...LOG_FLAGS,
  logMessages: flag.toggle({
    help: "Log every room message, but no private ones",
    group: "Logging",
  }),
  ...TLS_FLAGS,
  history: flag.integer({
    fallback: DEFAULT_RETENTION.maxMessages,
    min: 1,
    help: "Messages kept per room",
    group: LIMITS,
  }),
  retention: flag.seconds({
    fallback: DEFAULT_RETENTION.maxAge / 1000,
    min: 1,
    help: "Maximum age of messages kept",
    group: LIMITS,
  }),
  replay: flag.integer({
    fallback: defaults.recent,
    max: MAX_HISTORY_PAGE,
    help: "Messages shown to clients that join",
    group: LIMITS,
  }),
  maxMessageBytes: flag.bytes({
    fallback: defaults.maxMessageBytes,
    min: 1024,
    help: "Maximum size of a message",
    group: LIMITS,
  }),
  maxRooms: flag.integer({
    fallback: defaults.maxRooms,
    min: 1,
    help: "Maximum rooms per client",
    group: LIMITS,
  }),
  maxRoomsTotal: flag.integer({
    fallback: defaults.maxRoomsTotal,
    min: 1,
    help: "Maximum rooms that hold messages or members",
    group: LIMITS,
  }),
  rate: flag.integer({
    fallback: defaults.rate,
    help: "Messages and commands per second and client (0 = unlimited)",
    group: LIMITS,
  }),
  burst: flag.integer({
    fallback: defaults.burst,
    min: 1,
    help: "Messages and commands a client may send at once",
    group: LIMITS,
  }),
  ratePerAddress: flag.integer({
    fallback: defaults.ratePerAddress,
    defaultText: "10 times --rate",
    help: "Messages and requests per second and address (0 = unlimited)",
    group: LIMITS,
  }),
  maxFailures: flag.integer({
    fallback: defaults.maxFailures,
    help: "Failed logins per minute and address (0 = unlimited)",
    group: LIMITS,
  }),
  helloTimeout: flag.seconds({
    fallback: defaults.helloTimeout,
    min: 1,
    max: 3600,
    help: "Time a client has to identify itself",
    group: LIMITS,
  }),
  maxOutboxBytes: flag.bytes({
    fallback: defaults.maxOutboxBytes,
    min: 64 * 1024,
    help: "Unsent bytes per client before it is disconnected",
    group: LIMITS,
  }),
  maxConnections: flag.integer({
    fallback: defaults.maxConnections,
    min: 1,
    help: "Maximum number of connected clients",
    group: LIMITS,
  }),
  maxPerAddress: flag.integer({
    fallback: defaults.maxPerAddress,
    min: 1,
    help: "Maximum clients per remote address",
    group: LIMITS,
  }),
  heartbeat: flag.seconds({
    fallback: defaults.heartbeat,
    max: 3600,
    help: "Disconnect clients silent for this long (0 = never)",
    group: LIMITS,
  }),
};

/** The host in the form that the system expects; `undefined` for others, such as `unix:/run/x`. */
function readHost(text: string): string | undefined {
  const bare = text.replace(/^\[(.*)\]$/, "$1");
  const [address = ""] = bare.split("%");
  return isIP(address) !== 0
    ? bare
    : /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}._-]*$/u.test(text)
    ? text
    : undefined;
}
