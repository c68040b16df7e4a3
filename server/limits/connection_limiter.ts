import { networkOf } from "./networks.ts";

/** A way into the hub. */
export type TransportKind = "websocket" | "events" | "lines";

const DOORS: readonly TransportKind[] = ["websocket", "events", "lines"];

/**
 * Sockets that are open, in all and by network, whatever door they came through.
 *
 * Those are counted too that the hub has closed and whose other side has not agreed: what was sent
 * to a client that no longer reads stays in memory until it does.
 */
export class ConnectionLimiter {
  readonly #byNetwork = new Map<string, number>();
  readonly #byDoor: Record<TransportKind, number> = { websocket: 0, events: 0, lines: 0 };
  #waiting: { readonly doors: readonly TransportKind[]; readonly tell: () => void }[] = [];

  /** How many there are. */
  get count(): number {
    const { websocket, events, lines } = this.#byDoor;
    return websocket + events + lines;
  }

  /** Those of them that come from `address`, or from others that count as the same one. */
  from(address: string): number {
    return this.#byNetwork.get(networkOf(address)) ?? 0;
  }

  /** Counts one more. */
  add(address: string, door: TransportKind): void {
    this.#byDoor[door]++;
    const network = networkOf(address);
    this.#byNetwork.set(network, (this.#byNetwork.get(network) ?? 0) + 1);
  }

  /** Counts one less. */
  remove(address: string, door: TransportKind): void {
    this.#byDoor[door]--;
    const network = networkOf(address);
    const rest = (this.#byNetwork.get(network) ?? 0) - 1;
    if (rest > 0) this.#byNetwork.set(network, rest);
    else this.#byNetwork.delete(network);
    if (this.#byDoor[door] > 0) return;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ doors }) => !this.#isEmpty(doors));
    for (const { doors, tell } of waiting) if (this.#isEmpty(doors)) tell();
  }

  /** Resolves when the last one that came through `doors` is closed, from both sides. */
  async empty(doors: readonly TransportKind[] = DOORS): Promise<void> {
    if (this.#isEmpty(doors)) return;
    await new Promise<void>((tell) => this.#waiting.push({ doors, tell }));
  }

  #isEmpty(doors: readonly TransportKind[]): boolean {
    return doors.every((door) => this.#byDoor[door] === 0);
  }
}
