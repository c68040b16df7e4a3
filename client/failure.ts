import { CLOSE, type ErrorCode, type ErrorFrame, shouldReconnect, visible } from "../protocol.ts";
import type { ProbeResult } from "./probe_messages.ts";
import { BROKEN, type SocketClose } from "./socket.ts";
import { type ConnectFailure } from "./types.ts";
import { shownUrl } from "./url.ts";

/** A connection that ended or was never made, judged. */
export interface ConnectionFailure {
  readonly failure: ConnectFailure;
  /** The whole story in one line, for when the conversation ends with it. */
  readonly message: string;
  /** What happened in a sentence, for when it goes on. */
  readonly reason: string;
  /** The WebSocket close code, 1006 where there was none. */
  readonly code: number;
  /** The HTTP status, where the answer was one. */
  readonly status?: number;
  readonly retryAfter?: number;
  /** Whether coming back could only end the same way. */
  readonly final: boolean;
}

/** What the client knew when its connection ended. */
export interface FailureContext {
  readonly url: URL;
  /** Whether the hub had said `welcome` on this connection. */
  readonly welcomed: boolean;
  /** The error with which the hub answered the `hello`. */
  readonly refusal?: ErrorFrame;
  /** Seconds that an error on this connection told it to wait. */
  readonly retryAfter?: number;
}

// Errors that another try might not meet again; any other answer to a `hello` is a no.
const PASSING: readonly ErrorCode[] = ["rate_limited", "internal"];

const REASONS: Readonly<Record<number, string>> = {
  [CLOSE.normal]: "The hub ended the conversation",
  [CLOSE.goingAway]: "The hub is stopping",
  [CLOSE.unsupported]: "The hub does not take binary frames",
  [BROKEN]: "The connection broke",
  [CLOSE.tooBig]: "The hub found a frame too large",
  [CLOSE.internal]: "The hub had a fault",
  [CLOSE.tryLater]: "The hub is full",
  [CLOSE.helloTimeout]: "The hub heard no hello in time",
  [CLOSE.fellBehind]: "This client fell behind",
  [CLOSE.noPong]: "The hub heard nothing from this client",
  [CLOSE.rateLimited]: "This client sent too fast",
  [CLOSE.unauthorized]: "The hub wants a valid token",
  [CLOSE.replaced]: "The same session went on from another connection",
  [CLOSE.forbidden]: "The hub does not let this client in",
};

/** Judges a connection that had opened. */
export function classifyClose(end: SocketClose, circumstances: FailureContext): ConnectionFailure {
  const { url, welcomed, refusal } = circumstances;
  const address = shownUrl(url);
  const { code } = end;
  if (end.reached === "other-protocol") {
    const message = `Something other than a bcast hub answers at ${address}: ` +
      `it opens WebSockets, but does not speak "bcast.v1"`;
    return { failure: "not-a-hub", message, reason: message, code, final: false };
  }
  const reason = visible(refusal?.message || end.reason || REASONS[code] || `Closed with ${code}`);
  if (isNo(code, refusal)) {
    const message = `The hub at ${address} refused: ${reason}`;
    return { failure: "refused", message, reason, code, final: true };
  }
  // In the middle of a conversation an error is about one request, unless it is what ended it.
  const retryAfter = !welcomed || code === CLOSE.rateLimited ? circumstances.retryAfter : undefined;
  return {
    failure: failureOf(code, welcomed),
    message: `${welcomed ? "Lost" : "Cannot talk to"} the hub at ${address}: ${reason}`,
    reason,
    code,
    final: !shouldReconnect(code),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  };
}

/** Judges a connection that never opened. */
export function classifyProbe(diagnosis: ProbeResult): ConnectionFailure {
  const { failure, message, status, retryAfter } = diagnosis;
  return {
    failure,
    message,
    reason: message,
    code: BROKEN,
    final: failure === "refused",
    ...(status === undefined ? {} : { status }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  };
}

/** Whether `frame`, the answer to a `hello`, means no. */
export function isRejection(frame: ErrorFrame): boolean {
  return !PASSING.includes(frame.code);
}

function isNo(code: number, refusal: ErrorFrame | undefined): boolean {
  if (code === CLOSE.unauthorized || code === CLOSE.forbidden) return true;
  return refusal !== undefined && isRejection(refusal);
}

function failureOf(code: number, welcomed: boolean): ConnectFailure {
  if (code === CLOSE.tryLater || code === CLOSE.goingAway || code === CLOSE.rateLimited) {
    return "busy";
  }
  return welcomed || !shouldReconnect(code) ? "lost" : "network";
}
