/**
 * Wire formats of the other servers. They do not add an id to messages as a hub does, so the publisher's
 * sequence number serves as the id that shows losses and duplicates.
 *
 * @module
 */

import { isFields, parseJson } from "../protocol/fields.ts";
import {
  BcastFormat,
  type HandshakeTarget,
  type LoadConversation,
  type LoadGreeting,
  type MessageTemplate,
  type ObjectSink,
  UNKNOWN,
  type WireFormat,
} from "./load/mod.ts";
import { blankPayload, findStamp, isStamp, stampSequence } from "./load/stamp.ts";

export const ENCODER_NAMES = ["bcast", "plain", "socket.io"] as const;

export type EncoderName = (typeof ENCODER_NAMES)[number];

const ROOM = "bench";

export function encoderNamed(name: EncoderName): WireFormat {
  switch (name) {
    case "bcast":
      return new BcastFormat({ room: ROOM });
    case "plain":
      return new PlainFormat();
    case "socket.io":
      return new SocketIoFormat();
  }
}

function template(prefix: string, suffix: string, index: number, size: number): MessageTemplate {
  const payload = blankPayload(size);
  const body = { type: "message", room: ROOM, sender: `load-${index}`, message: payload };
  const text = prefix + JSON.stringify(body) + suffix;
  return { bytes: new TextEncoder().encode(text), stampAt: text.indexOf(payload) };
}

/** Reports the message in a frame; its stamp is probably at `guess`. */
function scanMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
  guess: number,
  sink: ObjectSink,
): void {
  const at = isStamp(bytes, start + guess, end) ? start + guess : findStamp(bytes, start, end);
  if (at >= 0) sink.message(stampSequence(bytes, at), bytes, start, end);
}

/** One JSON object per text frame, broadcast unchanged. */
class PlainFormat implements WireFormat, LoadConversation {
  readonly protocol = undefined;
  readonly sendsGreeting = false;
  readonly #stampAt = this.template(0, 100).stampAt;

  target(address: HandshakeTarget): HandshakeTarget {
    return address;
  }

  // Clients have no state of their own.
  conversation(): LoadConversation {
    return this;
  }

  template(index: number, size: number): MessageTemplate {
    return template("", "", index, size);
  }

  begin(): undefined {
    return undefined;
  }

  greet(): LoadGreeting {
    return { ready: { last: UNKNOWN } };
  }

  scan(bytes: Uint8Array, start: number, end: number, sink: ObjectSink): undefined {
    scanMessage(bytes, start, end, this.#stampAt, sink);
  }

  resume(): LoadConversation {
    throw new Error("Cannot resume: this server keeps no history");
  }
}

// Engine.IO packet types, the first character of each frame.
const OPEN = "0";
const PING = 0x32;
const PONG = "3";
// Socket.IO packets inside Engine.IO messages ("4"): connect and event.
const CONNECT = "40";
const EVENT = `42["message",`;

/** Socket.IO 4 over its WebSocket transport, with connection state recovery. */
class SocketIoFormat implements WireFormat {
  readonly protocol = undefined;
  readonly sendsGreeting = true;

  target(address: HandshakeTarget): HandshakeTarget {
    return { ...address, path: "/socket.io/?EIO=4&transport=websocket" };
  }

  conversation(): LoadConversation {
    return new SocketIoConversation(this.template(0, 100).stampAt);
  }

  template(index: number, size: number): MessageTemplate {
    return template(EVENT, "]", index, size);
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

class SocketIoConversation implements LoadConversation {
  readonly #stampAt: number;
  readonly #from:
    | { readonly pid: string; readonly offset: string; readonly last: number }
    | undefined;
  #pid = "";
  #last: number;
  /** The end of the first frame, which contains the offset for resuming. */
  #tail: Uint8Array | undefined;

  constructor(stampAt: number, from?: { pid: string; offset: string; last: number }) {
    this.#stampAt = stampAt;
    this.#from = from;
    this.#last = from?.last ?? UNKNOWN;
  }

  begin(): undefined {
    return undefined;
  }

  greet(text: string): LoadGreeting {
    if (text.startsWith(OPEN)) {
      const { pid, offset } = this.#from ?? {};
      return { reply: CONNECT + (pid === undefined ? "" : JSON.stringify({ pid, offset })) };
    }
    if (text.startsWith(EVENT)) this.#missed(text);
    if (!text.startsWith(CONNECT)) return {};
    const fields = parseJson(text.slice(CONNECT.length));
    this.#pid = isFields(fields) ? String(fields["pid"]) : "";
    if (this.#from === undefined) return { ready: { last: UNKNOWN } };
    const recovered = this.#pid === this.#from.pid;
    return { ready: { last: this.#last, recovered } };
  }

  /** The server sends missed messages before it reports the connection. */
  #missed(text: string): void {
    const bytes = encoder.encode(text);
    const at = findStamp(bytes, 0, bytes.length);
    // Counted one by one: messages out of order show as lost.
    if (at >= 0 && stampSequence(bytes, at) === this.#last + 1) this.#last++;
  }

  scan(bytes: Uint8Array, start: number, end: number, sink: ObjectSink): string | undefined {
    if (end - start === 1) return bytes[start] === PING ? PONG : undefined;
    // Once is enough: only one message is published before the connection is cut.
    this.#tail ??= bytes.slice(Math.max(start, end - 64), end);
    scanMessage(bytes, start, end, this.#stampAt, sink);
    return undefined;
  }

  resume(last: number): LoadConversation {
    const offset = /,"([^"]+)"\]$/.exec(decoder.decode(this.#tail))?.[1];
    if (offset === undefined) throw new Error("Cannot resume: the server sent no offset");
    return new SocketIoConversation(this.#stampAt, { pid: this.#pid, offset, last });
  }
}
