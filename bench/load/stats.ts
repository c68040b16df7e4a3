import { LatencyHistogram } from "./histogram.ts";
import { findStamp, stampMicros } from "./stamp.ts";
import { isFields } from "../../protocol/fields.ts";
import { parseJson } from "../../protocol/parse.ts";

// Errors are told apart by their code; a server with more kinds of them is not a hub.
const MAX_ERROR_KINDS = 32;

/** Microseconds of this process's clock; stamps carry them. */
export function nowMicros(): number {
  return performance.now() * 1000;
}

/** What all clients of a load count together. */
export class LoadStats {
  /** Messages that arrived, over all clients. */
  deliveries = 0;
  /** Acknowledgements that arrived. */
  acks = 0;
  readonly latency = new LatencyHistogram();
  /** How often each code of `error` came, with the sentence of the first. */
  readonly errors: Map<string, { count: number; readonly message: string }> = new Map();
  readonly #sampleEvery: number;
  #untilSample = 1;

  /**
   * Takes the latency of one delivery in `sampleEvery`, counted over all clients: a number prime to
   * the number of clients and the size of batches visits them all.
   */
  constructor(sampleEvery: number) {
    this.#sampleEvery = sampleEvery;
  }

  /** Counts one message. */
  delivered(bytes: Uint8Array, start: number, end: number): void {
    this.deliveries++;
    if (--this.#untilSample > 0) return;
    this.#untilSample = this.#sampleEvery;
    const at = findStamp(bytes, start, end);
    if (at >= 0) this.latency.record(nowMicros() - stampMicros(bytes, at));
  }

  /** Counts one `error` object. */
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
