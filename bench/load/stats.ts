import { LatencyHistogram } from "./histogram.ts";
import { findStamp, stampMicros } from "./stamp.ts";
import { isFields, parseJson } from "../../protocol/fields.ts";

// A hub has fewer error codes than this.
const MAX_ERROR_KINDS = 32;

/** Microseconds by this process's clock, as in stamps. */
export function nowMicros(): number {
  return performance.now() * 1000;
}

/** Counters shared by all clients of a load. */
export class LoadStats {
  /** Messages received by all clients. */
  deliveries = 0;
  acks = 0;
  readonly latency = new LatencyHistogram();
  /** Number of `error` frames by code, with the message of the first. */
  readonly errors: Map<string, { count: number; readonly message: string }> = new Map();
  readonly #sampleEvery: number;
  #untilSample = 1;

  /**
   * Samples the latency of one delivery in `sampleEvery`. A number that is prime to the number of clients
   * and to batch sizes visits all clients.
   */
  constructor(sampleEvery: number) {
    this.#sampleEvery = sampleEvery;
  }

  delivered(bytes: Uint8Array, start: number, end: number): void {
    this.deliveries++;
    if (--this.#untilSample > 0) return;
    this.#untilSample = this.#sampleEvery;
    const at = findStamp(bytes, start, end);
    if (at >= 0) this.latency.record(nowMicros() - stampMicros(bytes, at));
  }

  failed(text: string): void {
    const value = parseJson(text);
    const fields = isFields(value) ? value : {};
    const code = String(fields["code"] ?? "unknown");
    const entry = this.errors.get(code);
    if (entry !== undefined) entry.count++;
    else if (this.errors.size < MAX_ERROR_KINDS) {
      this.errors.set(code, { count: 1, message: String(fields["message"] ?? text) });
    }
  }
}
