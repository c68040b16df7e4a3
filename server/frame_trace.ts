import { getLogger } from "@logtape/logtape";
import type { Transport, TransportKind } from "./transport.ts";

const logger = getLogger(["bcast", "hub", "frames"]);

/** UTF-16 units of a frame that are logged. */
const MAX_TRACED = 1000;

/** Values that let somebody in. */
const SECRETS = /("(?:token|session)"\s*:\s*")(?:[^"\\]|\\.)*/g;

/** Whether frames are logged: asked once, so that a hub that logs less pays nothing. */
export function tracesFrames(): boolean {
  return logger.isEnabledFor("trace");
}

/** Logs a frame, without tokens and session secrets. */
export function traceFrame(connection: string, direction: "in" | "out", frame: string): void {
  const text = frame.slice(0, MAX_TRACED).replaceAll(SECRETS, "$1***");
  const more = frame.length > MAX_TRACED ? "…" : "";
  logger.trace("{connection} {direction} {frame}", { connection, direction, frame: text + more });
}

/** A transport that logs the frames it sends. */
export class TracedTransport implements Transport {
  readonly kind: TransportKind;
  readonly address: string;

  constructor(private readonly inner: Transport, private readonly connection: string) {
    this.kind = inner.kind;
    this.address = inner.address;
  }

  get bufferedAmount(): number {
    return this.inner.bufferedAmount;
  }

  send(text: string): void {
    traceFrame(this.connection, "out", text);
    this.inner.send(text);
  }

  close(code: number, reason: string): void {
    this.inner.close(code, reason);
  }
}
