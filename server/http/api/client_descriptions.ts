import type { FieldNames } from "../../../protocol/frame_table.ts";
import type { ClientFrame } from "../../../protocol.ts";

/** What a frame is for, and what its fields mean. */
export interface FrameDescription<Names extends string = string> {
  readonly about: string;
  readonly fields: Readonly<Record<Names, string>>;
}

/** Descriptions of all frames of one direction. */
export type FrameDescriptions<Frame extends { readonly type: string }> = {
  readonly [T in Frame["type"]]: FrameDescription<FieldNames<Extract<Frame, { type: T }>>>;
};

const REF = "Any mark of the client; the answer has the same. It has no other effect";
const ROOM = "The room";
const MESSAGE = "The text; needed unless there is data";
const DATA = "Any JSON but null, nested at most 64 levels deep; its numbers are doubles";
const FORMAT = "markdown: typed by a person in a chat client. Default: the text is literal";
const VIA = "The programs whose reactions caused this message, oldest first";
const KEY = "Makes a repeat safe: the hub takes one message for each key";

const POSITION = {
  room: ROOM,
  epoch: "The epoch that `after` belongs to; needed unless `after` is 0",
  after: "The id of the last entry received: the hub sends all later ones. 0: from the oldest",
  recent: "How many of the newest messages to send without a position; default: limits.recent",
  max: "The most missed messages to send: the newest. Default: all",
  presence: "What to send about the room's members; default: names",
};

/** The frames that a client sends. */
export const CLIENT_DESCRIPTIONS: FrameDescriptions<ClientFrame> = {
  hello: {
    about: "Identifies the client and joins rooms; the first frame of a connection",
    fields: {
      protocol: "The newest version of the protocol that the client speaks; default 1",
      client: "The client program, for the hub's log",
      features: "The optional features that the client understands",
      sender: "The wanted name; default: a guest name",
      token: "The token; takes precedence over that of the upgrade request",
      session: "The secret of an earlier welcome, to resume its session",
      rooms: "Rooms to join; default: the session's, or the hub's default rooms",
      echo: "Whether the client's own messages come back to it; default true",
      ref: REF,
    },
  },
  message: {
    about: "A message to a room; it needs text, data, or both",
    fields: {
      room: "The room; default: the first one joined",
      sender: "Names a client that is still a guest",
      ref: REF,
      key: `${KEY} of a sender in a room within 5 minutes`,
      kind: "action (as with /me), or a program's own kind",
      format: FORMAT,
      via: VIA,
      message: MESSAGE,
      data: DATA,
    },
  },
  direct: {
    about: "A private message to all connections of one person; it needs text, data, or both",
    fields: {
      to: "The receiver's name",
      ref: REF,
      key: `${KEY} of a sender for a receiver within 5 minutes, until a restart`,
      format: FORMAT,
      via: VIA,
      message: MESSAGE,
      data: DATA,
    },
  },
  join: {
    about: "Joins a room, or reads one again that the client is in",
    fields: { ...POSITION, ref: REF },
  },
  leave: { about: "Leaves a room", fields: { room: ROOM, ref: REF } },
  nick: { about: "Changes the client's name", fields: { name: "The new name", ref: REF } },
  token: {
    about: "Replaces the client's token, before or shortly after it expires",
    fields: { token: "A token of the same person", ref: REF },
  },
  typing: {
    about: "Tells the other members that the user types",
    fields: {
      room: ROOM,
      active: "true: is typing; false: has stopped",
      ref: `${REF}. Without it, only a failure is answered`,
    },
  },
  history: {
    about: "Requests stored messages: the newest, or those before or after an id",
    fields: {
      room: "The room; the client need not be in it",
      before: "Only messages with smaller ids: the newest of them",
      after: "Only messages with greater ids: the oldest of them",
      limit: "The most messages in the answer; default 50",
      query: "Only messages with all of these words; `word*` matches a prefix",
      ref: REF,
    },
  },
  members: { about: "Requests the members of a room", fields: { room: ROOM, ref: REF } },
  ping: { about: "Checks whether the hub responds", fields: { ref: REF } },
};
