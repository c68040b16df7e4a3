import type { Grant } from "../../auth/authorizer.ts";
import type { Clock } from "../../lib/clock.ts";
import { CLOSE, type RoomPosition } from "../../protocol.ts";
import { WAKE_ENCODER } from "../encoders/sse.ts";
import type { Hub } from "../hub.ts";
import type { Transport } from "../transport.ts";

/** A request that waits for the next message of a room. */
export interface LongPoll {
  readonly address: string;
  /** Must permit to read the room. */
  readonly grant: Grant;
  readonly position: RoomPosition;
  /** Milliseconds to wait at most. */
  readonly timeout: number;
  /** Makes the body of the response; `arrived` says whether there is a message. */
  readonly answer: (arrived: boolean) => Promise<string> | string;
}

/**
 * The body of a response that follows when there is a message after a position. Until then it is an
 * unannounced reader of the room, which counts as a connection, and which moderators, an expired
 * token and a shutdown end like any other.
 */
export function waitForMessage(
  hub: Hub,
  clock: Pick<Clock, "after">,
  { address, grant, position, timeout, answer }: LongPoll,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const transport = new PollTransport(address);
  let gone = false;
  const run = async (controller: ReadableStreamDefaultController): Promise<void> => {
    const cancel = clock.after(timeout, () => transport.close());
    hub.limiter.add(transport);
    try {
      const connection = hub.subscribeAnonymously(transport, grant, [position], WAKE_ENCODER);
      const arrived = await transport.woken;
      connection.ended(CLOSE.normal);
      if (gone) return;
      const text = await answer(arrived);
      if (gone) return;
      controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    } finally {
      hub.limiter.remove(transport);
      cancel();
    }
  };
  return new ReadableStream({
    start(controller) {
      // The headers may be sent already: the client sees a response that breaks off.
      run(controller).catch((error) => controller.error(error));
    },
    cancel() {
      gone = true;
      transport.close();
    },
  });
}

/** Carries nothing: it only notices the first frame, or the end. */
class PollTransport implements Transport {
  readonly kind = "sse";
  readonly bufferedAmount = 0;
  readonly #woken = Promise.withResolvers<boolean>();

  constructor(readonly address: string) {}

  /** Whether a frame came; the first call of `send()` or `close()` decides. */
  get woken(): Promise<boolean> {
    return this.#woken.promise;
  }

  send(): void {
    this.#woken.resolve(true);
  }

  close(): void {
    this.#woken.resolve(false);
  }
}
