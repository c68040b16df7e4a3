import type { HandshakeTarget } from "./handshake.ts";
import type { ObjectSink } from "./scanner.ts";

/** What a publisher sends again and again: a text frame with places to fill in. */
export interface MessageTemplate {
  readonly bytes: Uint8Array;
  /** Where the stamp stands. */
  readonly stampAt: number;
  /** Where nine digits of a reference stand, if it carries one. */
  readonly refAt?: number;
}

/** What came of one frame of the opening conversation. */
export interface LoadGreeting {
  /** A text frame to send in answer. */
  readonly reply?: string;
  /** Present once the client is in the room. */
  readonly ready?: Ready;
}

/** A client is in its room. */
export interface Ready {
  /** The newest id that the client has, or `UNKNOWN`. */
  readonly last: number;
  /** Messages that came with the greeting itself. */
  readonly replayed: number;
  /** Whether the server went on where the client had stopped; absent when none was asked to. */
  readonly recovered?: boolean;
}

/** One client's side of a conversation. */
export interface LoadConversation {
  /** The text frame that the client begins with, if it speaks first. */
  begin(): string | undefined;
  /** Takes in one frame until the client is ready; not called again after that. */
  greet(text: string): LoadGreeting;
  /** Takes in one frame of a client that is ready; returns a text frame to answer with, if any. */
  scan(bytes: Uint8Array, start: number, end: number, sink: ObjectSink): string | undefined;
  /** A conversation on a new connection that goes on where this one stopped, after `last`. */
  resume(last: number): LoadConversation;
}

/** How to talk to one kind of server. */
export interface WireFormat {
  /** The subprotocol to ask for. */
  readonly protocol: string | undefined;
  /** Whether a server says that clients are ready, or they are as soon as they are connected. */
  readonly greets: boolean;
  /** The server's endpoint, given its address. */
  target(address: HandshakeTarget): HandshakeTarget;
  /** The conversation of client `index`. */
  conversation(index: number): LoadConversation;
  /** What publisher `index` sends, with a payload of `size` bytes. */
  template(index: number, size: number): MessageTemplate;
}
