import type { ClientEvent, Clock } from "../../client.ts";
import type { Cancel } from "../../lib/clock.ts";

/** Calls `onOver` when a hub that went away has not come back for a while. */
export class ReconnectDeadline implements Disposable {
  #cancel: Cancel | undefined;

  /** @param limit milliseconds; 0 for ever. */
  constructor(
    private readonly limit: number,
    private readonly clock: Clock,
    private readonly onOver: () => void,
  ) {}

  /** Takes note of what happens in the conversation. */
  saw(event: ClientEvent): void {
    if (event.type === "online") this[Symbol.dispose]();
    else if (event.type === "offline" && this.limit > 0) {
      this.#cancel ??= this.clock.after(this.limit, this.onOver);
    }
  }

  [Symbol.dispose](): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
