import { networkOf } from "./networks.ts";
import type { Transport, TransportKind } from "../transport.ts";

const KINDS: readonly TransportKind[] = ["websocket", "sse", "tcp"];

/**
 * Sockets that are open, in all and by network, whatever door they came through.
 *
 * Those are counted too that the hub has closed and whose other side has not agreed: what was sent
 * to a client that no longer reads stays in memory until it does.
 */
export class ConnectionLimiter {
  readonly #byNetwork = new Map<string, number>();
  readonly #byKind: Record<TransportKind, number> = { websocket: 0, sse: 0, tcp: 0 };
  #waiting: { readonly kinds: readonly TransportKind[]; readonly tell: () => void }[] = [];

  /** How many there are. */
  get count(): number {
    const { websocket, sse, tcp } = this.#byKind;
    return websocket + sse + tcp;
  }

  /** Those of them that come from `address`, or from others that count as the same one. */
  from(address: string): number {
    return this.#byNetwork.get(networkOf(address)) ?? 0;
  }

  /** Counts one more. */
  add({ address, kind }: Pick<Transport, "address" | "kind">): void {
    this.#byKind[kind]++;
    const network = networkOf(address);
    this.#byNetwork.set(network, (this.#byNetwork.get(network) ?? 0) + 1);
  }

  /** Counts one less. */
  remove({ address, kind }: Pick<Transport, "address" | "kind">): void {
    this.#byKind[kind]--;
    const network = networkOf(address);
    const rest = (this.#byNetwork.get(network) ?? 0) - 1;
    if (rest > 0) this.#byNetwork.set(network, rest);
    else this.#byNetwork.delete(network);
    if (this.#byKind[kind] > 0) return;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ kinds }) => !this.#isEmpty(kinds));
    for (const { kinds, tell } of waiting) if (this.#isEmpty(kinds)) tell();
  }

  /** Resolves when the last one that came through `kinds` is closed, from both sides. */
  async empty(kinds: readonly TransportKind[] = KINDS): Promise<void> {
    if (this.#isEmpty(kinds)) return;
    await new Promise<void>((tell) => this.#waiting.push({ kinds, tell }));
  }

  #isEmpty(kinds: readonly TransportKind[]): boolean {
    return kinds.every((kind) => this.#byKind[kind] === 0);
  }
}
