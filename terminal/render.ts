import { colors } from "@std/fmt";
import { safeJson } from "../cli/text.ts";
import type { ClientEvent, Offline, Online, RoomEntered } from "../client/types.ts";
import {
  type Content,
  type Direct,
  type History,
  type Message,
  nameKey,
  type Presence,
  visible,
  type Who,
} from "../protocol.ts";
import { displayWidth, wrapRows } from "./wrap.ts";

/** How things are shown. */
export interface View {
  /** The name of the one who looks on. */
  readonly self: string | undefined;
  /** Whether lines say which room they belong to: in more rooms than one. */
  readonly tagged: boolean;
  readonly color: boolean;
  /** Width of the terminal; absent where there is none to wrap for. */
  readonly columns?: number;
  readonly now: Date;
}

/** SGR codes of the terminal's own colours; red is left to problems. */
const NAME_COLORS = [32, 33, 34, 35, 36, 92, 94, 95, 96];

type Style = (text: string) => string;

const plain: Style = (text) => text;

/** The line (or lines) for an event, or `undefined` when there is nothing to show. */
export function renderEvent(event: ClientEvent, view: View): string | undefined {
  switch (event.type) {
    case "message":
      return renderMessage(event, view);
    case "direct":
      return renderDirect(event, view);
    case "presence":
      return renderPresence(event, view);
    case "system":
      return note(event.message, view, event.room);
    case "error":
      return problem(event.message, view);
    case "online":
      return renderOnline(event, view);
    case "offline":
      return renderOffline(event, view);
    case "joined":
      return renderJoined(event, view);
    case "left":
      return note(`You left ${event.room}`, view);
    case "connecting":
    case "typing":
      return undefined;
  }
}

/** `[10:30:40] Alice: hi`, or `[10:30:40] * Alice waves` for an action. */
export function renderMessage(message: Message, view: View): string {
  const name = paintName(visible(message.sender), view);
  const tag = roomTag(message.room, view);
  const head = `${stamp(message.timestamp, view)} ${tag}`;
  return message.kind === "action"
    ? body(`${head}* ${name} `, message, view)
    : body(`${head}${name}: `, message, view);
}

/** `[10:30:40] Alice @you: hi`; no name holds an `@`, so nobody can make it up. */
export function renderDirect(direct: Direct, view: View): string {
  const mine = view.self !== undefined && nameKey(direct.sender) === nameKey(view.self);
  const from = mine ? "you" : paintName(visible(direct.sender), view);
  const to = mine ? paintName(visible(direct.to), view) : "you";
  const mark = style(view, colors.bold)("@");
  return body(`${stamp(direct.timestamp, view)} ${from} ${mark}${to}: `, direct, view);
}

/** `* 3 in lobby: Alice, Bob, Carol`. */
export function renderWho({ room, online, members }: Who, view: View): string {
  const more = online - members.length;
  const names = members.join(", ") + (more > 0 && members.length > 0 ? ` and ${more} more` : "");
  return note(`${online} in ${room}${names === "" ? "" : `: ${names}`}`, view);
}

/** A page of the past between two marks. */
export function renderHistory({ room, messages, more }: History, view: View): string {
  if (messages.length === 0) return note(`Nothing was said in ${room} yet`, view);
  const before = more ? "" : " (this is all there is)";
  return [
    note(`The last ${messages.length} in ${room}${before}:`, view),
    ...messages.map((message) => renderMessage(message, view)),
    note("Now:", view),
  ].join("\n");
}

/** A line of the program's own: `* …`. Whatever is quoted in it is made harmless. */
export function note(text: string, view: View, room?: string): string {
  const tag = room === undefined ? "" : roomTag(room, view);
  return style(view, colors.dim)(layOut(`* ${tag}`, visible(text), 2, view));
}

/** A line about something that went wrong: `! …`. */
export function problem(text: string, view: View): string {
  return style(view, colors.red)(layOut("! ", visible(text), 2, view));
}

/** `[10:30:40]` in local time, with the date when it is not today's. */
export function stamp(timestamp: string, view: View): string {
  return style(view, colors.dim)(`[${clockTime(timestamp, view.now)}]`);
}

/** The local time of a message, with the date when it is not of the day of `now`. */
export function clockTime(timestamp: string, now: Date): string {
  const time = new Date(timestamp);
  if (Number.isNaN(time.getTime())) return visible(timestamp.slice(0, 30));
  const two = (number: number): string => String(number).padStart(2, "0");
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":");
  if (time.toDateString() === now.toDateString()) return clock;
  const day = [String(time.getFullYear()), two(time.getMonth() + 1), two(time.getDate())];
  return `${day.join("-")} ${clock}`;
}

/** A name in its colour: always the same for the same name. */
export function paintName(name: string, view: View): string {
  if (!view.color) return name;
  let hash = 0;
  for (const character of nameKey(name)) {
    hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
  }
  const code = NAME_COLORS[hash % NAME_COLORS.length] ?? 39;
  return `\x1b[${code}m${name}\x1b[39m`;
}

function renderOnline({ welcome, again, missed }: Online, view: View): string {
  if (!again) return note(`You are ${welcome.sender}. /help tells what else there is`, view);
  const what = missed === 0
    ? "nothing was missed"
    : missed === 1
    ? "1 missed message follows"
    : `${missed} missed messages follow`;
  return note(`Connected again as ${welcome.sender}; ${what}`, view);
}

function renderOffline({ reason, retryIn }: Offline, view: View): string {
  const why = reason === "" ? "Connection lost" : reason.replace(/\.$/, "");
  return problem(`${why}. Trying again ${inSeconds(retryIn)}`, view);
}

function inSeconds(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 1 ? "at once" : `in ${seconds} s`;
}

function renderJoined(joined: RoomEntered, view: View): string | undefined {
  if (joined.again) {
    return joined.recovered ? undefined : problem(
      `Messages may be missing in ${joined.room}: the hub no longer has all since you were here`,
      view,
    );
  }
  const { room, online, members = [] } = joined;
  return renderWho({ type: "who", room, online, members }, view);
}

function renderPresence(presence: Presence, view: View): string | undefined {
  const others = (names: readonly string[] = []): readonly string[] =>
    names.filter((name) => view.self === undefined || nameKey(name) !== nameKey(view.self));
  const online = `(${presence.online} online)`;
  const joined = others(presence.joined);
  const left = others(presence.left);
  const sentences = [
    ...joined.length === 0 ? [] : [`${joined.join(", ")} joined ${online}`],
    ...left.length === 0 ? [] : [`${left.join(", ")} left ${online}`],
    ...(presence.renamed ?? []).map(({ from, to }) => `${from} is now ${to}`),
  ];
  if (sentences.length === 0) return undefined;
  return sentences.map((sentence) => note(sentence, view, presence.room)).join("\n");
}

/** Text after its head, its further lines indented so that none can look like another's. */
function body(head: string, content: Content, view: View): string {
  const parts: string[] = [];
  if (content.message !== undefined) parts.push(content.message);
  if (content.data !== undefined) parts.push(safeJson(content.data));
  const text = visible(parts.join("\n").replaceAll(/\r\n?/g, "\n"), { keepLines: true });
  return layOut(head, text.trimEnd(), INDENT, view);
}

/** Columns of `[10:30:40] `. */
const INDENT = 11;

/** The lines of `text` after `head`; those below the first begin with `indent` blanks. */
function layOut(head: string, text: string, indent: number, { columns }: View): string {
  const blanks = " ".repeat(indent);
  // Blank lines in great number would push away what others said.
  const lines = text.replaceAll(/\n(?:[ \t]*\n){2,}/g, "\n\n").split("\n");
  if (columns === undefined) return head + lines.join(`\n${blanks}`);
  // Room enough for a word even on a narrow terminal.
  const width = Math.max(10, columns - indent);
  return head + lines
    .flatMap((line, at) => {
      const taken = at === 0 ? displayWidth(head) - indent : 0;
      return wrapRows(line.replaceAll("\t", "    "), width, taken);
    })
    .join(`\n${blanks}`);
}

/** `#room ` where it is not clear; no name holds a `#`. */
function roomTag(room: string, view: View): string {
  return view.tagged ? `#${visible(room)} ` : "";
}

function style(view: View, paint: Style): Style {
  return view.color ? paint : plain;
}
