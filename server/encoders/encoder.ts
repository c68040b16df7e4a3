import {
  type Ack,
  encode,
  type HubFrame,
  type Joined,
  type Message,
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

/** A room as a client sees it on joining: `Joined` with encoded history. */
export interface JoinSnapshot {
  readonly fields: Omit<Joined, "history">;
  readonly history: readonly EncodedMessage[];
  /** The JSON array of `history`, if it was cached. */
  readonly historyJson?: string | undefined;
}

/** A `joined` frame, or with no `type` the same object for the list in `welcome`. */
export function joinSnapshotJson(snapshot: JoinSnapshot, type?: "joined"): string {
  const { fields, history, historyJson = jsonList(history) } = snapshot;
  const head = JSON.stringify(type === undefined ? fields : { type, ...fields });
  return `${head.slice(0, -1)},"history":${historyJson}}`;
}

/** Every frame but acks and those that carry encoded messages. */
export type ControlFrame = Exclude<HubFrame, { type: "welcome" | "joined" | "message" | "ack" }>;

/** `welcome` without its rooms, whose history is encoded already. */
export type WelcomeHead = Omit<Welcome, "rooms">;

/** Turns frames into the text that one kind of client expects. Stateless and shared. */
export interface Encoder {
  /** A label of metrics and the clients file: part of their format. */
  readonly name: "v1" | "json" | "text" | "events";
  /** Whether several objects may share a WebSocket frame, separated by newlines. */
  readonly batches: boolean;
  /** Whether the client must say `hello` first. */
  readonly requiresHello: boolean;
  /** Whether the client cannot send, and so cannot renew its token. */
  readonly receiveOnly: boolean;
  welcome(head: WelcomeHead, rooms: readonly JoinSnapshot[], now: number): readonly string[];
  joined(room: JoinSnapshot): readonly string[];
  /** @param epoch the epoch that the ids belong to. */
  messages(messages: readonly EncodedMessage[], epoch: string): readonly string[];
  /** `undefined` if this kind of client does not use `ref`. */
  ack(ack: Ack): string | undefined;
  /** Empty if this kind of client does not get such frames. */
  control(frame: ControlFrame, now: number): readonly string[];
}
