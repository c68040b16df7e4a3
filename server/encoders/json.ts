import { type Ack, encode } from "../../protocol.ts";
import {
  type ControlFrame,
  type EncodedMessage,
  type Encoder,
  type JoinSnapshot,
  joinSnapshotJson,
  type WelcomeHead,
} from "./encoder.ts";
import { presenceSentences } from "./presence_text.ts";

interface PlainWelcomeHead extends WelcomeHead {
  readonly message: string;
  readonly timestamp: string;
}

function welcomeJson(
  head: WelcomeHead | PlainWelcomeHead,
  rooms: readonly JoinSnapshot[],
): readonly string[] {
  const list = rooms.map((room) => joinSnapshotJson(room)).join(",");
  return [`${encode(head).slice(0, -1)},"rooms":[${list}]}`];
}

/** Adds `message` and `timestamp`: many plain clients print nothing else. */
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
      return presenceSentences(frame, timestamp).map((system) => encode(system));
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

function messagesJson(messages: readonly EncodedMessage[]): readonly string[] {
  return messages.map(({ json }) => json);
}

/** Built by hand, as every published message has one: only `ref` needs escaping. */
function ackJson({ ref, room, id, timestamp, duplicate }: Ack): string {
  const repeat = duplicate ? ',"duplicate":true' : "";
  return `{"type":"ack","ref":${
    JSON.stringify(ref)
  },"room":"${room}","id":${id},"timestamp":"${timestamp}"${repeat}}`;
}

/** `bcast.v1`, for our own clients: several JSON objects a frame. */
export const V1_ENCODER: Encoder = {
  name: "v1",
  batches: true,
  requiresHello: true,
  receiveOnly: false,
  welcome: welcomeJson,
  joined: joinedJson,
  messages: messagesJson,
  ack: ackJson,
  control: (frame) => [encode(frame)],
};

/** Plain JSON, for short scripts: one object a frame, and sentences for presence. */
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
