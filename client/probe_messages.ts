import { visible } from "../protocol.ts";
import { shownUrl } from "./url.ts";
import type { ConnectFailure } from "./types.ts";

/** Why a connection could not be made, for a program and for a person. */
export interface ProbeResult {
  readonly failure: ConnectFailure;
  /** One line that says what to do. */
  readonly message: string;
  /** The HTTP status, where the answer was one. */
  readonly status?: number;
  /** Seconds after which the hub said that trying again makes sense. */
  readonly retryAfter?: number;
}

/** What the host answered to a plain HTTP request. */
export interface HttpAnswer {
  readonly status: number;
  /** Its body, where that was text; at most a few hundred bytes. */
  readonly sentence?: string;
  /** The `server` header. */
  readonly server?: string;
  /** The `location` header. */
  readonly location?: string;
  readonly retryAfter?: number;
}

const STATUS = /Invalid status code: (\d{3})/i;

// What the runtime says (Deno's words; browsers say nothing, so as not to help port scanners), and
// what it means to a person.
const CAUSES: readonly {
  readonly says: RegExp;
  readonly failure: ConnectFailure;
  readonly means: (address: string, cause: string) => string;
}[] = [
  {
    says: /dns error/i,
    failure: "unknown-host",
    means: (address) => `Nobody knows the host of ${address}: check --host`,
  },
  {
    says: /tcp connect error|connection refused/i,
    failure: "refused-connection",
    means: (address) =>
      `Nothing listens at ${address}: start a hub with "bcast start", or check --host and --port`,
  },
  {
    says: /InvalidContentType|wrong version number/i,
    failure: "not-a-hub",
    means: (address) => `${address} does not speak TLS: use ws:// if the hub has none`,
  },
  {
    says: /certificate expired|CertExpired/i,
    failure: "network",
    means: (address) =>
      `The certificate of ${address} has expired: its operator has to replace it (if that is ` +
      "done, check the clock of this machine)",
  },
  {
    says: /certificate not valid yet|CertNotValidYet/i,
    failure: "network",
    means: (address) =>
      `The certificate of ${address} is not valid yet: check the clock of this machine`,
  },
  {
    says: /not valid for name|NotValidForName/i,
    failure: "network",
    means: (address, cause) => {
      const names = namesIn(cause);
      const known = names === "" ? "another host" : names;
      return `The certificate of ${address} is for ${known}: use a name that it holds, or pin it ` +
        "with --fingerprint";
    },
  },
  {
    says: /CaUsedAsEndEntity/i,
    failure: "network",
    means: (address) =>
      `The certificate of ${address} is an authority's own (CA:TRUE): trust it with ` +
      "--fingerprint, or have it made anew with -addext basicConstraints=critical,CA:FALSE",
  },
  {
    says: /UnknownIssuer|self.signed/i,
    failure: "network",
    means: (address) =>
      `Nobody whom this machine trusts has signed the certificate of ${address}: use --ca FILE, ` +
      "or --fingerprint with what the hub shows at its start",
  },
  {
    says: /certificate/i,
    failure: "network",
    means: (address, cause) => `The certificate of ${address} is not trusted (${cause})`,
  },
  {
    says: /invalid HTTP|HTTP version|handshake|Invalid (?:upgrade|connection|sec-websocket)/i,
    failure: "not-a-hub",
    means: (address) =>
      `Something other than a bcast hub answers at ${address}: check --host and --port`,
  },
  {
    says: /not capable|permission|Requires net access/i,
    failure: "network",
    means: (address, cause) => `Not permitted to connect to ${address}: ${cause}`,
  },
];

/** The HTTP status in what the runtime says of a failed connection, if that was the reason. */
export function statusIn(cause: string): number | undefined {
  const digits = STATUS.exec(cause)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** What `cause`, the runtime's word for a connection that never opened, means. */
export function describeCause(cause: string, url: URL): ProbeResult {
  const address = shownUrl(url);
  const said = oneLine(cause.replace(/^.*failed to connect to WebSocket: /is, ""));
  const known = CAUSES.find(({ says }) => says.test(cause));
  if (known !== undefined) return { failure: known.failure, message: known.means(address, said) };
  return {
    failure: "network",
    message: said === ""
      ? `Cannot reach a hub at ${address}: check the address and the network`
      : `Cannot reach a hub at ${address} (${said}): check the address and the network`,
  };
}

/** Whether `cause` could be what a TLS server says to somebody who does not speak TLS. */
export function maybeTls(cause: string): boolean {
  return /invalid HTTP version/i.test(cause);
}

/** Whether `cause` says by itself what is wrong. */
export function isKnown(cause: string): boolean {
  return CAUSES.some(({ says }) => says.test(cause));
}

/** What it means that a host speaks TLS, when it was asked without. */
export function wantsTls(url: URL): ProbeResult {
  const secure = new URL(url);
  secure.protocol = "wss:";
  return {
    failure: "not-a-hub",
    message: `${shownUrl(url)} speaks TLS: use ${shownUrl(secure)}`,
  };
}

/** As {@linkcode describeAnswer}, of an answer without the upgrade: the one with it is not known. */
export function describeAnswerWithoutUpgrade(answer: HttpAnswer, url: URL): ProbeResult {
  if (answer.status !== 200 || !isOurs(answer)) return describeAnswer(answer, url);
  return {
    failure: "busy",
    message:
      `A hub answers at ${shownUrl(url)}, but opens no WebSocket: it is full (try again in ` +
      `a moment), or a proxy in between does not pass on "Upgrade"`,
  };
}

function isOurs({ server }: HttpAnswer): boolean {
  return server?.toLowerCase().startsWith("bcast") === true;
}

/** What the HTTP answer means that came in place of a WebSocket. */
export function describeAnswer(answer: HttpAnswer, url: URL): ProbeResult {
  const { status, retryAfter } = answer;
  return {
    status,
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...httpMeaning(answer, url),
  };
}

function httpMeaning(answer: HttpAnswer, url: URL): Pick<ProbeResult, "failure" | "message"> {
  const address = shownUrl(url);
  const { status } = answer;
  const sentence = oneLine(answer.sentence ?? "");
  const ours = isOurs(answer);
  switch (status) {
    case 401: {
      const words = sentence || "it wants a token (--token)";
      return { failure: "refused", message: `The hub at ${address} refused: ${words}` };
    }
    case 403:
    case 421: {
      const words = sentence || "you are not allowed there";
      return { failure: "refused", message: `The hub at ${address} refused: ${words}` };
    }
    case 429: {
      const words = sentence || "too many connections from this address; close some";
      return { failure: "busy", message: `The hub at ${address} is busy: ${words}` };
    }
    case 526: {
      const words = sentence || "a proxy does not trust the certificate of the hub behind it";
      return { failure: "network", message: `Cannot trust ${address}: ${words}` };
    }
    case 502:
    case 504:
      if (ours && sentence !== "") {
        return { failure: "network", message: `${address}: ${sentence}` };
      }
      return {
        failure: "busy",
        message: `A proxy answers at ${address}, but the hub behind it does not (HTTP ${status})`,
      };
    case 503: {
      const words = sentence || "it is full or stopping; try again in a moment";
      return { failure: "busy", message: `The hub at ${address} is busy: ${words}` };
    }
  }
  // The latter is the hub's page for those who accept no HTML.
  if ((status === 426 || status === 200) && ours) {
    return {
      failure: "network",
      message: `A hub answers at ${address}, but no WebSocket gets through: let the proxy in ` +
        `between pass on "Upgrade"`,
    };
  }
  if (status >= 300 && status < 400 && answer.location !== undefined) {
    const target = oneLine(answer.location);
    return { failure: "not-a-hub", message: `${address} redirects to ${target}: use that address` };
  }
  return {
    failure: "not-a-hub",
    message: `No bcast hub at ${address} (it answered HTTP ${status}): check --host and --port`,
  };
}

/** The names that a certificate holds, in what the runtime says of one that holds another. */
function namesIn(cause: string): string {
  const listed = /only valid for (.*)$/i.exec(cause)?.[1] ?? "";
  return [...listed.matchAll(/\w+\("?([^")]*)"?\)/g)].map(([, name]) => name).join(", ");
}

/** Text of strangers as part of one line on a terminal. */
function oneLine(text: string): string {
  return visible(text.replace(/\s+/g, " ").trim());
}
