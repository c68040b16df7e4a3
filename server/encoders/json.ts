import { type Ack, CLOSE, encode, type Welcome } from "../../protocol.ts";
import {
  type ControlFrame,
  type EncodedMessage,
  type Encoder,
  type JoinSnapshot,
  jsonList,
} from "./encoder.ts";
import { presenceSentences } from "./presence_text.ts";

/** Adds a list that is JSON already to an object. */
function withList(object: object, name: string, list: string): string {
  return `${encode(object).slice(0, -1)},"${name}":${list}}`;
}

function messageList({ messages, messagesJson }: JoinSnapshot): string {
  return messagesJson ?? jsonList(messages);
}

/**
 * The rooms are in it, with their messages under the name `history`. Adds `message` and `timestamp`:
 * many plain clients print nothing else.
 */
function plainWelcome(
  head: Welcome,
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
  const { rooms: _names, ...rest } = head;
  const list = rooms.map((room) => withList(room.fields, "history", messageList(room))).join(",");
  const timestamp = new Date(now).toISOString();
  return [withList({ ...rest, message, timestamp }, "rooms", `[${list}]`)];
}

function plainControl(frame: ControlFrame, now: number): readonly string[] {
  const timestamp = new Date(now).toISOString();
  switch (frame.type) {
    case "presence":
      return presenceSentences(frame, timestamp).map((system) => encode(system));
    case "typing": {
      const { active } = frame;
      const message = `${frame.sender} ${active ? "is typing" : "stopped typing"}`;
      // `typing` is the field's old name.
      return [encode({ ...frame, typing: active, message, timestamp })];
    }
    // A `system` frame says the same.
    case "renamed":
    case "live":
      return [];
    case "bye":
      // A `system` frame announces a shutdown.
      return frame.code === CLOSE.goingAway ? [] : [encode({ ...frame, timestamp })];
    default:
      return [encode(frame)];
  }
}

function joinedJson(room: JoinSnapshot, listName: string): readonly string[] {
  const { fields, ref } = room;
  const head = { type: "joined", ...fields, ...(ref === undefined ? {} : { ref }) };
  return [withList(head, listName, messageList(room))];
}

function messagesJson(messages: readonly EncodedMessage[]): readonly string[] {
  return messages.map(({ json }) => json);
}

/** Built by hand, as every published message has one: only `ref` needs escaping. */
function ackJson({ ref, room, id, epoch, timestamp, duplicate }: Ack): string {
  const answer = ref === undefined ? "" : `"ref":${JSON.stringify(ref)},`;
  const repeat = duplicate ? ',"duplicate":true' : "";
  return `{"type":"ack",${answer}"room":"${room}","id":${id},"epoch":"${epoch}",` +
    `"timestamp":"${timestamp}"${repeat}}`;
}

/** `bcast.v1`, for our own clients: several JSON objects a frame. */
export const V1_ENCODER: Encoder = {
  name: "v1",
  batches: true,
  requiresHello: true,
  receiveOnly: false,
  welcome: (head) => [encode(head)],
  joined: (room) => joinedJson(room, "messages"),
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
  joined: (room) => joinedJson(room, "history"),
  messages: messagesJson,
  ack: ackJson,
  control: plainControl,
};
