/**
 * RFC 6455 framing for a client that must be faster than the server. Pure, without I/O.
 *
 * @module
 */

/** Frame types (RFC 6455 section 5.2). */
export const OPCODE = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa,
} as const;

/** The server violated RFC 6455 or sent too much. */
export class FramingError extends Error {
  override readonly name = "FramingError";
}

/** Receives each frame. The bytes are only valid during the call. */
export interface FrameConsumer {
  /** A complete text or binary message, reassembled from its fragments. */
  data(bytes: Uint8Array, start: number, end: number): void;
  /** A close, ping or pong frame. */
  control(opcode: number, bytes: Uint8Array, start: number, end: number): void;
}

// A hub sends messages up to 64 KiB and replays of a few megabytes. Without a limit, a corrupt
// header would allocate gigabytes.
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

const NOTHING = new Uint8Array(0);

/**
 * Splits received bytes into frames. It owns one buffer: the next read goes to `space()`, and
 * `advance(n)` reports n bytes read. Frames are passed on in place; only an incomplete one is moved to
 * the front of the buffer.
 */
export class FrameReader {
  #buffer: Uint8Array;
  #free: Uint8Array;
  #filled = 0;
  /** Bytes of the first frame to wait for. */
  #needed = 2;
  #fragments: Uint8Array = NOTHING;
  #fragmented = false;

  constructor(bufferBytes: number) {
    // Room for any control frame (125 bytes and its header).
    this.#buffer = new Uint8Array(Math.max(bufferBytes, 256));
    this.#free = this.#buffer;
  }

  /** Never empty. */
  space(): Uint8Array {
    return this.#free;
  }

  /**
   * Processes `count` bytes that were written to `space()`.
   *
   * @throws {FramingError} if a server may not send them.
   */
  advance(count: number, sink: FrameConsumer): void {
    let filled = this.#filled + count;
    if (filled >= this.#needed) {
      const position = this.#split(filled, sink);
      if (position === filled) {
        this.#filled = 0;
        this.#needed = 2;
        this.#free = this.#buffer;
        return;
      }
      if (position > 0) {
        this.#buffer.copyWithin(0, position, filled);
        filled -= position;
      }
      this.#needed = this.#need(0, filled);
    }
    this.#filled = filled;
    if (this.#needed > this.#buffer.length) this.#grow(this.#needed);
    this.#free = this.#buffer.subarray(filled);
  }

  /** Passes on all complete frames; returns the position of the first incomplete one. */
  #split(filled: number, sink: FrameConsumer): number {
    const buffer = this.#buffer;
    let position = 0;
    while (filled - position >= 2) {
      const second = buffer[position + 1] ?? 0;
      let start = position + 2;
      let length = second & 0x7f;
      if (length >= 126) {
        const total = this.#need(position, filled);
        if (position + total > filled) break;
        start = position + (length === 126 ? 4 : 10);
        length = position + total - start;
      }
      const end = start + length;
      if (end > filled) break;
      if (second & 0x80) throw new FramingError("Cannot read frame: a server must not mask");
      this.#frame(buffer[position] ?? 0, start, end, sink);
      position = end;
    }
    return position;
  }

  /** The size of the frame at `position`, or of the part of its header that determines it. */
  #need(position: number, filled: number): number {
    const present = filled - position;
    if (present < 2) return 2;
    const length = (this.#buffer[position + 1] ?? 0) & 0x7f;
    if (length < 126) return 2 + length;
    const header = length === 126 ? 4 : 10;
    if (present < header) return header;
    let size = 0;
    for (let i = position + 2; i < position + header; i++) {
      size = size * 256 + (this.#buffer[i] ?? 0);
    }
    if (size > MAX_FRAME_BYTES) {
      throw new FramingError(`Cannot read frame: ${size} bytes announced`);
    }
    return header + size;
  }

  #frame(first: number, start: number, end: number, sink: FrameConsumer): void {
    // The common case: FIN, no reserved bits, text or binary.
    if ((first === 0x81 || first === 0x82) && !this.#fragmented) {
      sink.data(this.#buffer, start, end);
      return;
    }
    if (first & 0x70) throw new FramingError("Cannot read frame: reserved bits are set");
    const opcode = first & 0x0f;
    const final = (first & 0x80) !== 0;
    if (opcode >= 0x8) {
      if (!final || end - start > 125 || opcode > OPCODE.pong) {
        throw new FramingError("Cannot read frame: bad control frame");
      }
      sink.control(opcode, this.#buffer, start, end);
      return;
    }
    if (opcode > OPCODE.binary || (opcode === OPCODE.continuation) !== this.#fragmented) {
      throw new FramingError("Cannot read frame: a fragment out of place");
    }
    this.#fragments = concat(this.#fragments, this.#buffer.subarray(start, end));
    this.#fragmented = !final;
    if (!final) return;
    const whole = this.#fragments;
    this.#fragments = NOTHING;
    sink.data(whole, 0, whole.length);
  }

  #grow(size: number): void {
    const grown = new Uint8Array(Math.max(size, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#filled));
    this.#buffer = grown;
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length + b.length > MAX_FRAME_BYTES) {
    throw new FramingError("Cannot read frame: too many fragments");
  }
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

/** Random mask keys, drawn from the system a thousand at a time. */
export class MaskSource {
  readonly #pool = new Uint8Array(4096);
  #used = this.#pool.length;

  next(): number {
    if (this.#used === this.#pool.length) {
      crypto.getRandomValues(this.#pool);
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += 4;
    const pool = this.#pool;
    return ((pool[at] ?? 0) << 24 | (pool[at + 1] ?? 0) << 16 | (pool[at + 2] ?? 0) << 8 |
      (pool[at + 3] ?? 0)) >>> 0;
  }
}

/** Outgoing frames in one buffer, for a single write. */
export class FrameWriter {
  readonly #masks: MaskSource;
  #buffer: Uint8Array<ArrayBuffer> = NOTHING;
  #spare: Uint8Array<ArrayBuffer> = NOTHING;
  #length = 0;

  constructor(masks: MaskSource) {
    this.#masks = masks;
  }

  get length(): number {
    return this.#length;
  }

  /**
   * Appends one final frame, masked with a fresh key. RFC 6455 section 10.3 requires a fresh key, and
   * clients send so little that its cost is not measurable.
   */
  append(opcode: number, payload: Uint8Array): void {
    const size = payload.length;
    const header = size < 126 ? 6 : size < 65536 ? 8 : 14;
    this.#reserve(header + size);
    const out = this.#buffer;
    let at = this.#length;
    out[at++] = 0x80 | opcode;
    if (size < 126) {
      out[at++] = 0x80 | size;
    } else if (size < 65536) {
      out[at++] = 0xfe;
      out[at++] = size >>> 8;
      out[at++] = size & 0xff;
    } else {
      out[at++] = 0xff;
      for (let shift = 56; shift >= 0; shift -= 8) out[at++] = Math.floor(size / 2 ** shift) & 0xff;
    }
    const key = this.#masks.next();
    const k0 = key >>> 24, k1 = (key >>> 16) & 0xff, k2 = (key >>> 8) & 0xff, k3 = key & 0xff;
    out[at++] = k0;
    out[at++] = k1;
    out[at++] = k2;
    out[at++] = k3;
    let i = 0;
    for (; i + 3 < size; i += 4) {
      out[at] = (payload[i] ?? 0) ^ k0;
      out[at + 1] = (payload[i + 1] ?? 0) ^ k1;
      out[at + 2] = (payload[i + 2] ?? 0) ^ k2;
      out[at + 3] = (payload[i + 3] ?? 0) ^ k3;
      at += 4;
    }
    if (i < size) out[at++] = (payload[i++] ?? 0) ^ k0;
    if (i < size) out[at++] = (payload[i++] ?? 0) ^ k1;
    if (i < size) out[at++] = (payload[i++] ?? 0) ^ k2;
    this.#length = at;
  }

  /** Takes the queued bytes; give them back with `recycle()`. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#buffer = this.#spare;
    this.#spare = NOTHING;
    this.#length = 0;
    return taken;
  }

  /** Reuses a buffer of `take()` once it is written. */
  recycle(bytes: Uint8Array<ArrayBuffer>): void {
    this.#spare = new Uint8Array(bytes.buffer);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(this.#length + more, this.#buffer.length * 2, 512));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}
