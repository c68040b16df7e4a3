import { type Bye, CLOSE, type ErrorFrame, shouldReconnect, visible } from "../protocol.ts";
import type { ProbeResult } from "./probe_messages.ts";
import { BROKEN, type SocketClose } from "./socket.ts";
import { type ConnectFailure } from "./types.ts";
import { shownUrl } from "./url.ts";

/** Why a connection ended or could not be made, and what follows from it. */
export interface ConnectionFailure {
  readonly failure: ConnectFailure;
  /** One complete line, for a final failure. */
  readonly message: string;
  /** A short sentence, for when the client reconnects. */
  readonly reason: string;
  /** The WebSocket close code; 1006 if there was none. */
  readonly code: number;
  /** The HTTP status, if there was one. */
  readonly status?: number | undefined;
  /** Seconds. */
  readonly retryAfter?: number | undefined;
  /** Whether a reconnect would fail the same way. */
  readonly final: boolean;
}

export interface FailureContext {
  readonly url: URL;
  /** Whether the hub had sent `welcome` on this connection. */
  readonly welcomed: boolean;
  /** The error with which the hub answered `hello`. */
  readonly refusal?: ErrorFrame | undefined;
  /** The `retryAfter` of an error on this connection, in seconds. */
  readonly retryAfter?: number | undefined;
  /** What the hub said before it closed. */
  readonly bye?: Bye | undefined;
}

const REASONS: Readonly<Record<number, string>> = {
  [CLOSE.normal]: "The hub closed the connection",
  [CLOSE.goingAway]: "The hub is stopping",
  [CLOSE.unsupported]: "The hub does not accept binary frames",
  [BROKEN]: "The connection broke",
  [CLOSE.tooBig]: "A frame exceeded the hub's limit",
  [CLOSE.internal]: "The hub had an internal error",
  [CLOSE.tryLater]: "The hub is full",
  [CLOSE.helloTimeout]: "The hub received no hello in time",
  [CLOSE.fellBehind]: "This client fell behind",
  [CLOSE.noPong]: "The hub received nothing from this client",
  [CLOSE.rateLimited]: "This client sent too fast",
  [CLOSE.unauthorized]: "The hub requires a valid token",
  [CLOSE.replaced]: "The session continued on another connection",
  [CLOSE.forbidden]: "The hub does not allow this client",
};

/** Classifies the end of a connection that had opened. */
export function classifyClose(end: SocketClose, context: FailureContext): ConnectionFailure {
  const { url, welcomed, refusal, bye } = context;
  const address = shownUrl(url);
  // A connection may break before the hub's close frame arrives.
  const code = end.code === BROKEN ? bye?.code ?? BROKEN : end.code;
  if (end.reached === "other-protocol") {
    const message = `Something other than a bcast hub answers at ${address}: ` +
      `it opens WebSockets, but does not support "bcast.v1"`;
    return { failure: "not-a-hub", message, reason: message, code, final: false };
  }
  const reason = visible(
    refusal?.message || bye?.message || end.reason || REASONS[code] || `Closed with ${code}`,
  );
  // After `welcome`, an error concerns one request, unless it is why the hub closed.
  const concerns = !welcomed || code === CLOSE.rateLimited;
  const retryAfter = bye?.retryAfter ?? (concerns ? context.retryAfter : undefined);
  const failure = isRefused(code, refusal) ? "rejected" : failureOf(code, welcomed);
  return {
    failure,
    message: messageOf(failure, welcomed, address, reason),
    reason,
    code,
    final: bye === undefined ? failure === "rejected" || !shouldReconnect(code) : !bye.reconnect,
    retryAfter,
  };
}

function messageOf(
  failure: ConnectFailure,
  welcomed: boolean,
  address: string,
  reason: string,
): string {
  if (failure === "rejected") return `The hub at ${address} rejected the connection: ${reason}`;
  if (welcomed) return `Lost the hub at ${address}: ${reason}`;
  if (failure === "busy") return `The hub at ${address} is busy: ${reason}`;
  return `Cannot talk to the hub at ${address}: ${reason}`;
}

/** Classifies a connection that never opened. */
export function classifyProbe(result: ProbeResult): ConnectionFailure {
  const { failure, message, status, retryAfter } = result;
  return {
    failure,
    message,
    reason: message,
    code: BROKEN,
    final: failure === "rejected",
    status,
    retryAfter,
  };
}

function isRefused(code: number, refusal: ErrorFrame | undefined): boolean {
  if (code === CLOSE.unauthorized || code === CLOSE.forbidden) return true;
  return refusal?.final === true;
}

function failureOf(code: number, welcomed: boolean): ConnectFailure {
  if (code === CLOSE.tryLater || code === CLOSE.goingAway || code === CLOSE.rateLimited) {
    return "busy";
  }
  return welcomed || !shouldReconnect(code) ? "lost" : "network";
}
