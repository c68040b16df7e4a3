import { sanitizedText } from "../../chat/content.ts";
import type { Content, Message } from "../../protocol.ts";
import type { ControlFrame, WelcomeHead } from "./encoder.ts";
import type { JoinSnapshot } from "../join_result.ts";
import { formatNames, presenceSentences } from "./presence_text.ts";

/** Begins what follows a newline inside one message, so that no text can pass for another's line. */
const CONTINUATION = "\n  | ";

/** `[10:30:40] Alice: hi`, by the hub's own clock and time zone. */
export function messageLine(message: Message): string {
  const time = clockTime(message.timestamp);
  const text = contentText(message);
  return message.kind === "action"
    ? `[${time}] * ${message.sender} ${text}`
    : `[${time}] ${message.sender}: ${text}`;
}

/** What a person sees of a message: its text, or its data where there is none. */
export function contentText(content: Content): string {
  const text = content.message ?? JSON.stringify(content.data);
  return sanitizedText(text).trimEnd().replaceAll("\n", CONTINUATION);
}

function clockTime(timestamp: string): string {
  const date = new Date(timestamp);
  const two = (part: number): string => String(part).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** What a text client sees on coming in: who and where it is, and what was said before. */
export function welcomeLines(head: WelcomeHead, rooms: readonly JoinSnapshot[]): readonly string[] {
  const greeting =
    `* You are ${head.sender}. /help lists the commands, /nick NAME changes the name`;
  return [...rooms.flatMap(joinedLines), greeting];
}

/** A room as a text client finds it. */
export function joinedLines(entered: JoinSnapshot): readonly string[] {
  const { room, online } = entered.fields;
  return [
    ...entered.history.map((entry) => messageLine(entry.message)),
    `* In room ${room} (${online} online)`,
  ];
}

/** A frame in words; empty for what a text client is not told. */
export function frameLine(frame: ControlFrame, now: number): readonly string[] {
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
    case "who": {
      const unnamed = frame.online - frame.members.length;
      const more = unnamed > 0 ? ` and ${unnamed} more` : "";
      return [`* ${frame.online} online in ${frame.room}: ${formatNames(frame.members)}${more}`];
    }
    case "history":
      return frame.messages.map(messageLine);
    case "pong":
      return ["* pong"];
    case "typing":
      return [];
  }
}
