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
    help: "Open a door of plain lines for nc and telnet at PORT too; 0 picks a free one",
  }),
  clientsFile: flag.text({
    placeholder: "FILE",
    help: "Keep the names of those who are connected in FILE, as JSON, for scripts that watch it",
  }),
  metrics: flag.choice(METRICS_EXPOSURES, {
    fallback: "local",
    help:
      "Who may read /metrics, for Prometheus: nobody, programs on this machine, or who may come in",
  }),
};
