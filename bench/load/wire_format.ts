import type { HandshakeTarget } from "./handshake.ts";
import type { ObjectSink } from "./scanner.ts";

/** A text frame with positions to fill in. */
export interface MessageTemplate {
  readonly bytes: Uint8Array;
  readonly stampAt: number;
  /** The position of nine digits at the end of the key, if the format has one. */
  readonly keyAt?: number;
}

/** The result of one frame before the client is ready. */
export interface LoadGreeting {
  /** A text frame to respond with. */
  readonly reply?: string;
  /** Set once the client is in its room. */
  readonly ready?: Ready;
}

/** The state of a client that has joined its room. */
export interface Ready {
  /** The newest id of the client, or `UNKNOWN`. */
  readonly last: number;
  /** Whether the server resumed without a gap; absent for new clients. */
  readonly recovered?: boolean;
}

export interface LoadConversation {
  /** The first text frame, if the client speaks first. */
  begin(): string | undefined;
  /** Processes frames until the client is ready. */
  greet(text: string): LoadGreeting;
  /** Processes a frame of a ready client; returns a text frame to respond with, if any. */
  scan(bytes: Uint8Array, start: number, end: number, sink: ObjectSink): string | undefined;
  /** A conversation on a new connection that resumes after `last`. */
  resume(last: number): LoadConversation;
}

/** The protocol of one kind of server. */
export interface WireFormat {
  /** The WebSocket subprotocol. */
  readonly protocol: string | undefined;
  /** Whether the server greets clients; if not, they are ready once connected. */
  readonly sendsGreeting: boolean;
  /** Adjusts the path for the protocol. */
  target(address: HandshakeTarget): HandshakeTarget;
  conversation(index: number): LoadConversation;
  /** The message of publisher `index`, with a payload of `size` bytes. */
  template(index: number, size: number): MessageTemplate;
}
