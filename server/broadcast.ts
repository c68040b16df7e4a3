import type { ControlFrame, Encoder } from "./encoders/encoder.ts";
import type { Connection } from "./connection.ts";

/** Sends `frame` to each of `peers`, encoded once for each kind of client. */
export function broadcast(
  peers: Iterable<Connection>,
  frame: ControlFrame,
  now: number,
  except?: Connection,
): void {
  const encoded = new Map<Encoder, readonly string[]>();
  for (const peer of peers) {
    if (peer === except) continue;
    let frames = encoded.get(peer.encoder);
    if (frames === undefined) {
      frames = peer.encoder.control(frame, now);
      encoded.set(peer.encoder, frames);
    }
    peer.enqueue(frames);
  }
}
