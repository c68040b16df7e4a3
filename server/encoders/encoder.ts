import {
  type Ack,
  encode,
  type HubFrame,
  type Joined,
  type Message,
  type Ref,
  type Welcome,
} from "../../protocol.ts";

/** A message with its JSON, encoded once for all receivers. */
export interface EncodedMessage {
  readonly message: Message;
  readonly json: string;
}

/** Encodes a message for delivery. */
export function encodeMessage(message: Message): EncodedMessage {
  return { message, json: encode(message) };
}

/** A JSON array of messages that are encoded already. */
export function jsonList(messages: readonly EncodedMessage[]): string {
  return `[${messages.map(({ json }) => json).join(",")}]`;
}

/** A room as a client sees it on joining: `Joined` with encoded messages. */
export interface JoinSnapshot {
  readonly fields: Omit<Joined, "messages">;
  /** The first page. */
  readonly messages: readonly EncodedMessage[];
  /** The JSON array of `messages`, if it was cached. */
  readonly messagesJson?: string | undefined;
  /** Of the request that is answered. */
  readonly ref?: Ref | undefined;
}

/** Every frame but acks and those that carry encoded messages. */
export type ControlFrame = Exclude<HubFrame, { type: "welcome" | "joined" | "message" | "ack" }>;

/**
 * Turns frames into the text that one kind of client expects. Stateless and shared, but for
 * `RoomsSseEncoder`: what an encoder returns must be sent to its client, in order.
 */
export interface Encoder {
  /** A label of metrics and the clients file: part of their format. */
  readonly name: "v1" | "json" | "text" | "events";
  /** Whether several objects may share a WebSocket frame, separated by newlines. */
  readonly batches: boolean;
  /** Whether the client must say `hello` first. */
  readonly requiresHello: boolean;
  /** Whether the client cannot send, and so cannot renew its token. */
  readonly receiveOnly: boolean;
  /** @param rooms those whose state goes into `welcome`, for clients without `hello`. */
  welcome(head: Welcome, rooms: readonly JoinSnapshot[], now: number): readonly string[];
  joined(room: JoinSnapshot): readonly string[];
  /** @param epoch the epoch that the ids belong to. */
  messages(messages: readonly EncodedMessage[], epoch: string): readonly string[];
  /** `undefined` if this kind of client does not use `ref`. */
  ack(ack: Ack): string | undefined;
  /** Empty if this kind of client does not get such frames. */
  control(frame: ControlFrame, now: number): readonly string[];
}
