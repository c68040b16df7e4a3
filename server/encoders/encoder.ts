import {
  type Ack,
  encode,
  type HubFrame,
  SUBPROTOCOL,
  type System,
  type Welcome,
} from "../../protocol.ts";
import { type JoinSnapshot, joinSnapshotJson } from "../join_result.ts";
import { frameLine, joinedLines, messageLine, welcomeLines } from "./text.ts";
import { presenceSentences } from "./presence_text.ts";
import type { EncodedMessage } from "../recent_messages.ts";

/** Everything but acks and what carries encoded messages. */
export type ControlFrame = Exclude<HubFrame, { type: "welcome" | "joined" | "message" | "ack" }>;

/** `welcome` without its rooms, which come encoded. */
export type WelcomeHead = Omit<Welcome, "rooms">;

interface PlainWelcomeHead extends WelcomeHead {
  readonly message: string;
  readonly timestamp: string;
}

/** How the hub talks to one kind of client. Stateless: one object serves all clients of its kind. */
export interface Encoder {
  readonly name: "v1" | "json" | "text" | "events";
  /** Whether what is for one client may be joined by newlines into one frame. */
  readonly batches: boolean;
  /** Whether the client speaks first. */
  readonly requiresHello: boolean;
  /** Whether the client can say nothing at all, and so bring no fresh token either. */
  readonly receiveOnly: boolean;
  welcome(head: WelcomeHead, rooms: readonly JoinSnapshot[], now: number): readonly string[];
  joined(room: JoinSnapshot): readonly string[];
  /** @param epoch names the life of the room's numbering that their ids belong to. */
  messages(entries: readonly EncodedMessage[], epoch: string): readonly string[];
  /** The frame that acks a message; none where this kind of client has no `ref`. */
  ack(ack: Ack): string | undefined;
  /** The frames that say what `frame` says; none where this kind of client is not told. */
  control(frame: ControlFrame, now: number): readonly string[];
}

function welcomeJson(
  head: WelcomeHead | PlainWelcomeHead,
  rooms: readonly JoinSnapshot[],
): readonly string[] {
  const list = rooms.map((room) => joinSnapshotJson(room)).join(",");
  return [`${encode(head).slice(0, -1)},"rooms":[${list}]}`];
}

/** `message` and `timestamp` are in whatever such clients get unasked: many print nothing else. */
function plainWelcome(
  head: WelcomeHead,
  rooms: readonly JoinSnapshot[],
  now: number,
): readonly string[] {
  const [first, ...others] = rooms.map(({ fields }) => fields);
  const counts = first === undefined
    ? "you are in no room"
    : others.length === 0
    ? `${first.online} online`
    : [first, ...others].map(({ room, online }) => `${online} online in ${room}`).join(", ");
  const message = `Welcome! ${counts}`;
  return welcomeJson({ ...head, message, timestamp: new Date(now).toISOString() }, rooms);
}

function plainControl(frame: ControlFrame, now: number): readonly string[] {
  const timestamp = new Date(now).toISOString();
  switch (frame.type) {
    case "presence":
      return presenceSentences(frame, timestamp).map((system: System) => encode(system));
    case "typing": {
      const message = `${frame.sender} ${frame.typing ? "is typing" : "stopped typing"}`;
      return [encode({ ...frame, message, timestamp })];
    }
    default:
      return [encode(frame)];
  }
}

function joinedJson(room: JoinSnapshot): readonly string[] {
  return [joinSnapshotJson(room, "joined")];
}

function messagesJson(entries: readonly EncodedMessage[]): readonly string[] {
  return entries.map((entry) => entry.json);
}

/** Written out: every message of a publisher has one, and all but `ref` needs no escaping. */
function ackJson({ ref, room, id, timestamp, duplicate }: Ack): string {
  const repeat = duplicate ? ',"duplicate":true' : "";
  return `{"type":"ack","ref":${
    JSON.stringify(ref)
  },"room":"${room}","id":${id},"timestamp":"${timestamp}"${repeat}}`;
}

/** Our own clients: JSON objects, many a frame. */
export const V1_ENCODER: Encoder = {
  name: "v1",
  batches: true,
  requiresHello: true,
  receiveOnly: false,
  welcome: welcomeJson,
  joined: joinedJson,
  messages: messagesJson,
  ack: ackJson,
  // What is happening in words is for those who cannot read `presence`.
  control: (frame) => [encode(frame)],
};

/** Anybody's ten lines of script: one JSON object a frame, and sentences for what happens. */
export const JSON_ENCODER: Encoder = {
  name: "json",
  batches: false,
  requiresHello: false,
  receiveOnly: false,
  welcome: plainWelcome,
  joined: joinedJson,
  messages: messagesJson,
  ack: ackJson,
  control: plainControl,
};

/** People with a bare WebSocket tool: lines both ways. */
export const TEXT_ENCODER: Encoder = {
  name: "text",
  batches: false,
  requiresHello: false,
  receiveOnly: false,
  welcome: welcomeLines,
  joined: joinedLines,
  messages: (entries) => entries.map((entry) => messageLine(entry.message)),
  ack: () => undefined,
  control: frameLine,
};

/** The dialect of a subprotocol that was asked for, or `undefined` for one the hub does not speak. */
export function encoderFor(subprotocol: string): Encoder | undefined {
  if (subprotocol === SUBPROTOCOL.v1) return V1_ENCODER;
  if (subprotocol === SUBPROTOCOL.text) return TEXT_ENCODER;
  return undefined;
}
