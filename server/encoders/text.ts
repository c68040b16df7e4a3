import { sanitizedText } from "../../chat/content.ts";
import type { Content, Message, Welcome } from "../../protocol.ts";
import type { ControlFrame, Encoder, JoinSnapshot } from "./encoder.ts";
import { formatNames, presenceSentences } from "./presence_text.ts";

/** Replaces newlines inside a message, so that no text can pose as a line from another sender. */
const CONTINUATION = "\n  | ";

/** `[10:30:40] Alice: hi`, in the hub's time zone. */
function messageLine(message: Message): string {
  const time = clockTime(message.timestamp);
  const text = contentText(message);
  return message.kind === "action"
    ? `[${time}] * ${message.sender} ${text}`
    : `[${time}] ${message.sender}: ${text}`;
}

/** The text of a message, or its data as JSON if it has no text. */
function contentText(content: Content): string {
  const text = content.message ?? JSON.stringify(content.data);
  return sanitizedText(text).trimEnd().replaceAll("\n", CONTINUATION);
}

function clockTime(timestamp: string): string {
  const date = new Date(timestamp);
  const two = (part: number): string => String(part).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

function welcomeLines(head: Welcome, rooms: readonly JoinSnapshot[]): readonly string[] {
  const greeting =
    `* You are ${head.sender}. /help lists the commands, /nick NAME changes the name`;
  return [...rooms.flatMap(joinedLines), greeting];
}

function joinedLines({ fields: { room, online }, messages }: JoinSnapshot): readonly string[] {
  return [
    ...messages.map(({ message }) => messageLine(message)),
    `* In room ${room} (${online} online)`,
  ];
}

function controlLines(frame: ControlFrame, now: number): readonly string[] {
  switch (frame.type) {
    case "presence":
      return presenceSentences(frame, "").map((system) => `* ${system.message}`);
    case "system":
      return [`* ${frame.message}`];
    case "error":
      return [`* Error: ${frame.message}`];
    case "direct": {
      const time = clockTime(new Date(now).toISOString());
      return [`[${time}] ${frame.sender} -> ${frame.to}: ${contentText(frame)}`];
    }
    case "left":
      return [`* Left room ${frame.room}`];
    case "members": {
      const unnamed = frame.online - frame.members.length;
      const more = unnamed > 0 ? ` and ${unnamed} more` : "";
      return [`* ${frame.online} online in ${frame.room}: ${formatNames(frame.members)}${more}`];
    }
    case "history":
      return frame.messages.flatMap((entry) =>
        entry.type === "message" ? [messageLine(entry)] : []
      );
    case "pong":
      return ["* pong"];
    case "typing":
    case "live":
    case "renamed":
    case "ok":
    // The reason of the close says the same.
    case "bye":
      return [];
  }
}

/** Plain lines both ways, for people with a bare WebSocket tool or `nc`. */
export const TEXT_ENCODER: Encoder = {
  name: "text",
  batches: false,
  requiresHello: false,
  receiveOnly: false,
  welcome: welcomeLines,
  joined: joinedLines,
  messages: (messages) => messages.map(({ message }) => messageLine(message)),
  ack: () => undefined,
  control: controlLines,
};
