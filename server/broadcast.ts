import type { ControlFrame, Dialect } from "./encoders/encoder.ts";
import type { Peer } from "./connection.ts";

/** Sends `frame` to each of `peers`, encoded once for each kind of client. */
export function tellAll(
  peers: Iterable<Peer>,
  frame: ControlFrame,
  now: number,
  except?: Peer,
): void {
  const encoded = new Map<Dialect, readonly string[]>();
  for (const peer of peers) {
    if (peer === except) continue;
    let frames = encoded.get(peer.dialect);
    if (frames === undefined) {
      frames = peer.dialect.control(frame, now);
      encoded.set(peer.dialect, frames);
    }
    peer.offer(frames);
  }
}
