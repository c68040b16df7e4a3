import type { HubFrame } from "../../../protocol.ts";
import type { FrameDescriptions } from "./client_descriptions.ts";

const REF = "That of the request";
const ROOM = "The room";
const ONLINE = "How many people are in the room";
const ACCOUNTS = "Names to the accounts that tokens proved; names without one are left out";
const ACCOUNT = "The name that a token proved, set by the hub alone; absent: unproven";
const EPOCH = "Identifies the numbering of the room's log";
const TIMESTAMP = "ISO 8601 UTC with milliseconds, by the hub's clock";
const FORMAT = "markdown: typed by a person in a chat client. Absent: the text is literal";
const VIA = "The programs whose reactions caused this message, oldest first";
const MESSAGE = "The text";
const DATA = "Any JSON";

/** The frames that the hub sends. */
export const HUB_DESCRIPTIONS: FrameDescriptions<HubFrame> = {
  welcome: {
    about: "The answer to hello",
    fields: {
      protocol: "The version of the protocol on this connection",
      sender: "The client's name, which may differ from the wanted one",
      account: "The name that the client's token proved",
      session: "The secret with which a later hello resumes the session",
      resumed: "Whether the session of hello continues",
      expires: "When the token expires",
      time: "The hub's time",
      server: "The hub program",
      features: "The active optional features: names to parameters",
      limits: "The hub's limits for this client",
      rooms: "The rooms that the client is in",
      ref: REF,
    },
  },
  joined: {
    about: "The answer to join, and for each room of hello",
    fields: {
      room: ROOM,
      epoch: EPOCH,
      first: "The oldest id kept; last + 1 if there is none",
      last: "The newest id; 0 if there never was a message",
      recovered: "Whether the messages continue at the client's position",
      reset: "Why the hub cannot continue at the client's position",
      online: ONLINE,
      members: "All names; absent: the room does not name its members",
      accounts: ACCOUNTS,
      messages: "The first page, oldest first; the rest follows as message frames, then live",
      more: "Whether there are older messages that the client lacks and that do not follow",
      ref: REF,
    },
  },
  live: {
    about: "The client has caught up with a room",
    fields: { room: ROOM, id: "Everything up to here was sent" },
  },
  left: {
    about: "The answer to leave, or a notice that the client was removed from the room",
    fields: { room: ROOM, ref: REF },
  },
  message: {
    about: "An entry of a room's log. One with neither text nor data shows nothing",
    fields: {
      room: ROOM,
      id: "1, 2, 3 … in each room and epoch",
      prev: "The id of the entry before it in this reader's view; default: id - 1",
      sender: "The sender's name at the time",
      account: ACCOUNT,
      timestamp: TIMESTAMP,
      kind: "action, a program's own kind, or one of a later version; ignore unknown ones",
      format: FORMAT,
      via: VIA,
      message: MESSAGE,
      data: DATA,
    },
  },
  ack: {
    about: "A message is stored. An answer, not an entry: it does not move the position",
    fields: {
      ref: REF,
      room: ROOM,
      id: "The id of the message",
      epoch: EPOCH,
      timestamp: TIMESTAMP,
      duplicate: "This was a repeat: the message was already stored",
    },
  },
  direct: {
    about: "A private message, or the copy for its sender",
    fields: {
      sender: "The sender's name",
      account: ACCOUNT,
      to: "The receiver's name",
      timestamp: TIMESTAMP,
      ref: REF,
      duplicate: "This was a repeat: the message was already delivered",
      format: FORMAT,
      via: VIA,
      message: MESSAGE,
      data: DATA,
    },
  },
  presence: {
    about:
      "Changes of a room's members. With none of the lists, the room names no members any more",
    fields: {
      room: ROOM,
      online: ONLINE,
      members: "All names: replaces the reader's list",
      accounts: ACCOUNTS,
      joined: "Names of new members; add them after all names are removed",
      left: "Names of members who left; remove them before any name is added",
      renamed: "Changed names; remove each `from` before any name is added",
    },
  },
  renamed: {
    about: "The client's own name has changed, whatever the cause",
    fields: { from: "The old name", name: "The new name" },
  },
  typing: {
    about: "A member started or stopped typing",
    fields: { room: ROOM, sender: "Who", active: "true: is typing; false: has stopped" },
  },
  system: {
    about: "A sentence for the user",
    fields: {
      message: "The sentence",
      timestamp: TIMESTAMP,
      event: "The subject; treat an unknown one as notice",
      room: "The room that it is about",
      online: ONLINE,
    },
  },
  history: {
    about: "The answer to history: a page of stored messages. It does not move the position",
    fields: {
      room: ROOM,
      epoch: EPOCH,
      messages: "Oldest first",
      more: "Whether there are more in the direction of reading",
      ref: REF,
    },
  },
  members: {
    about: "The answer to members",
    fields: {
      room: ROOM,
      online: ONLINE,
      members: "At most 1,000 names",
      accounts: ACCOUNTS,
      ref: REF,
    },
  },
  pong: { about: "The answer to ping", fields: { ref: REF } },
  ok: {
    about: "A request succeeded that has no other answer",
    fields: {
      ref: REF,
      re: "The type of the request",
      name: "The answer to nick: the name as the hub spells it",
      expires: "The answer to token: when it expires",
    },
  },
  error: {
    about: "A request failed, or the token has expired",
    fields: {
      code: "What is wrong; treat an unknown one by `final` and `retryAfter`",
      message: "What is wrong and what to do, for people",
      re: "The type of the request; absent if it was unreadable",
      room: "The room of the request, cut to 64 characters",
      ref: REF,
      final: "Whether the same request would fail again",
      retryAfter: "Seconds to wait before a repeat",
    },
  },
  bye: {
    about: "The hub is about to close the connection",
    fields: {
      code: "The close code that follows",
      reconnect: "Whether to connect again",
      retryAfter: "Seconds to wait before that",
      url: "Where to connect instead",
      message: "A sentence for the user",
    },
  },
};

/** Fields of objects inside of frames, by name. */
export const NESTED_DESCRIPTIONS: Readonly<Record<string, string>> = {
  name: "The name of the program",
  version: "Its version",
  from: "The old name",
  to: "The new name",
  maxMessageBytes: "The largest object that the hub accepts, in bytes of UTF-8",
  maxRooms: "Rooms that a client may be in",
  maxFrameBytes: "The largest WebSocket message that the hub sends, in bytes",
  recent: "Messages on joining without a position",
  rate: "Objects a second that a client may send on average; 0: no limit",
  burst: "Objects that a client may send at once",
  heartbeat: "Seconds of silence after which the hub disconnects; 0: never",
};
