import * as flag from "../../cli/flags.ts";
import { METRICS_EXPOSURES } from "../../server/http/metrics_endpoint.ts";

/** The flags of `start` about other ways in than WebSockets, and about what the operator sees. */
export const TRANSPORT_FLAGS = {
  tcp: flag.value<number | undefined>({
    fallback: undefined,
    placeholder: "PORT",
    expects: "a port from 0 to 65535",
    read: (given) => {
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
};
