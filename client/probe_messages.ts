import { visible } from "../protocol.ts";
import { shownUrl } from "./url.ts";
import type { ConnectFailure } from "./types.ts";

/** Why a connection could not be made. */
export interface ProbeResult {
  readonly failure: ConnectFailure;
  /** One line for the user that says what to do. */
  readonly message: string;
  /** The HTTP status, if there was one. */
  readonly status?: number | undefined;
  /** Seconds. */
  readonly retryAfter?: number | undefined;
}

/** The host's answer to a plain HTTP request. */
export interface HttpAnswer {
  readonly status: number;
  /** The beginning of a text body. */
  readonly sentence?: string | undefined;
  readonly server?: string | undefined;
  readonly location?: string | undefined;
  readonly retryAfter?: number | undefined;
}

const STATUS = /Invalid status code: (\d{3})/i;

// Error messages of Deno and their meaning. Browsers give none, so as not to help port scanners.
const CAUSES: readonly {
  readonly pattern: RegExp;
  readonly failure: ConnectFailure;
  readonly message: (address: string, cause: string) => string;
}[] = [
  {
    pattern: /dns error/i,
    failure: "unknown-host",
    message: (address) => `The host of ${address} is unknown: check --host`,
  },
  {
    pattern: /tcp connect error|connection refused/i,
    failure: "connection-refused",
    message: (address) =>
      `Nothing listens at ${address}: start a hub with "bcast start", or check --host and --port`,
  },
  {
    pattern: /InvalidContentType|wrong version number/i,
    failure: "not-a-hub",
    message: (address) => `${address} does not speak TLS: use ws:// if the hub has none`,
  },
  {
    pattern: /certificate expired|CertExpired/i,
    failure: "network",
    message: (address) =>
      `The certificate of ${address} has expired: its operator must replace it. If it was ` +
      "replaced, check the clock of this machine",
  },
  {
    pattern: /certificate not valid yet|CertNotValidYet/i,
    failure: "network",
    message: (address) =>
      `The certificate of ${address} is not valid yet: check the clock of this machine`,
  },
  {
    pattern: /not valid for name|NotValidForName/i,
    failure: "network",
    message: (address, cause) => {
      const names = namesIn(cause);
      const known = names === "" ? "another host" : names;
      return `The certificate of ${address} is for ${known}: use that name, or pin the ` +
        "certificate with --fingerprint";
    },
  },
  {
    pattern: /CaUsedAsEndEntity/i,
    failure: "network",
    message: (address) =>
      `The certificate of ${address} is a CA certificate (CA:TRUE): trust it with ` +
      "--fingerprint, or recreate it with -addext basicConstraints=critical,CA:FALSE",
  },
  {
    pattern: /UnknownIssuer|self.signed/i,
    failure: "network",
    message: (address) =>
      `The certificate of ${address} is signed by an unknown authority: use --ca FILE, or ` +
      "--fingerprint with the fingerprint that the hub prints at its start",
  },
  {
    pattern: /certificate/i,
    failure: "network",
    message: (address, cause) => `The certificate of ${address} is not trusted (${cause})`,
  },
  {
    pattern: /invalid HTTP|HTTP version|handshake|Invalid (?:upgrade|connection|sec-websocket)/i,
    failure: "not-a-hub",
    message: (address) =>
      `Something other than a bcast hub answers at ${address}: check --host and --port`,
  },
  {
    pattern: /not capable|permission|Requires net access/i,
    failure: "network",
    message: (address, cause) => `Not permitted to connect to ${address}: ${cause}`,
  },
];

/** The HTTP status in the runtime's error message, if that was the reason. */
export function statusIn(cause: string): number | undefined {
  const digits = STATUS.exec(cause)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Explains the runtime's error message for a connection that never opened. */
export function describeCause(cause: string, url: URL): ProbeResult {
  const address = shownUrl(url);
  const detail = oneLine(cause.replace(/^.*failed to connect to WebSocket: /is, ""));
  const known = CAUSES.find(({ pattern }) => pattern.test(cause));
  if (known !== undefined) {
    return { failure: known.failure, message: known.message(address, detail) };
  }
  const shown = detail === "" ? "" : ` (${detail})`;
  return {
    failure: "network",
    message: `Cannot reach a hub at ${address}${shown}: check the address and the network`,
  };
}

/** Whether `cause` could be a TLS server's answer to a request without TLS. */
export function maybeTls(cause: string): boolean {
  return /invalid HTTP version/i.test(cause);
}

/** Whether {@linkcode describeCause} has an explanation for `cause`. */
export function isKnown(cause: string): boolean {
  return CAUSES.some(({ pattern }) => pattern.test(cause));
}

/** Explains a TLS server at a `ws://` address. */
export function wantsTls(url: URL): ProbeResult {
  const secure = new URL(url);
  secure.protocol = "wss:";
  return {
    failure: "not-a-hub",
    message: `${shownUrl(url)} requires TLS: use ${shownUrl(secure)}`,
  };
}

/** Explains an answer to a request without the upgrade; the answer to the upgrade is not known. */
export function describeAnswerWithoutUpgrade(answer: HttpAnswer, url: URL): ProbeResult {
  if (answer.status !== 200 || !isOurs(answer)) return describeAnswer(answer, url);
  return {
    failure: "busy",
    message:
      `A hub answers at ${shownUrl(url)}, but opens no WebSocket: it is full (try again in ` +
      `a moment), or a proxy in between does not forward "Upgrade"`,
  };
}

function isOurs({ server }: HttpAnswer): boolean {
  return server?.toLowerCase().startsWith("bcast") === true;
}

/** Explains an HTTP answer that came instead of a WebSocket. */
export function describeAnswer(answer: HttpAnswer, url: URL): ProbeResult {
  const { status, retryAfter } = answer;
  return { status, retryAfter, ...httpMeaning(answer, url) };
}

const REJECTED = "rejected the request";

/** Statuses that reject a client: the failure, the verb and the reason if there is no better one. */
const REJECTIONS: Readonly<Record<number, readonly [ConnectFailure, string, string]>> = {
  401: ["rejected", REJECTED, "it requires a token (--token)"],
  403: ["rejected", REJECTED, "you are not allowed there"],
  421: ["rejected", REJECTED, "you are not allowed there"],
  429: ["busy", "is busy", "too many connections from this address; close some"],
  503: ["busy", "is busy", "it is full or stopping; try again in a moment"],
};

function httpMeaning(answer: HttpAnswer, url: URL): Pick<ProbeResult, "failure" | "message"> {
  const address = shownUrl(url);
  const { status } = answer;
  const sentence = oneLine(answer.sentence ?? "");
  const ours = isOurs(answer);
  const rejection = REJECTIONS[status];
  if (rejection !== undefined) {
    const [failure, verb, reason] = rejection;
    return { failure, message: `The hub at ${address} ${verb}: ${sentence || reason}` };
  }
  if (status === 526) {
    const reason = sentence || "a proxy does not trust the certificate of the hub behind it";
    return { failure: "network", message: `Cannot trust ${address}: ${reason}` };
  }
  if (status === 502 || status === 504) {
    if (ours && sentence !== "") {
      return { failure: "network", message: `${address}: ${sentence}` };
    }
    return {
      failure: "busy",
      message: `A proxy answers at ${address}, but the hub behind it does not (HTTP ${status})`,
    };
  }
  // 200 is the hub's text page, for clients that do not accept HTML.
  if ((status === 426 || status === 200) && ours) {
    return {
      failure: "network",
      message: `A hub answers at ${address}, but no WebSocket gets through: configure the proxy ` +
        `in between to forward "Upgrade"`,
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

/** The names of a certificate, from the runtime's error message about a wrong name. */
function namesIn(cause: string): string {
  const listed = /only valid for (.*)$/i.exec(cause)?.[1] ?? "";
  return [...listed.matchAll(/\w+\("?([^")]*)"?\)/g)].map(([, name]) => name).join(", ");
}

/** Untrusted text, made safe for one line on a terminal. */
function oneLine(text: string): string {
  return visible(text.replace(/\s+/g, " ").trim());
}
