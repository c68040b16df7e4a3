import type { ClientEvent, Offline, Online, RoomJoined } from "../client/types.ts";
import {
  type Content,
  type Direct,
  type Message,
  nameKey,
  type Presence,
  visible,
} from "../protocol.ts";
import { contentText } from "../chat/content.ts";
import { indentOf, layOut, markOf, note, problem, shownName, stamp, type View } from "./view.ts";
import { type Finder, highlight } from "./highlight.ts";
import { formatNames, whoText } from "../chat/presence.ts";
import { errorInRoom, gapText } from "../chat/room_errors.ts";
import { displayWidth, fit } from "../render/width.ts";
import { plural } from "../lib/words.ts";

/** The lines for an event; `undefined` if there is nothing to show. */
export function renderEvent(event: ClientEvent, view: View): string | undefined {
  switch (event.type) {
    case "message":
      return renderMessage(event, view);
    case "direct":
      return renderDirect(event, view);
    case "presence":
      return renderPresence(event, view);
    case "system":
      return note(event.message, view);
    case "error":
      return problem(errorInRoom(event), view);
    case "online":
      return renderOnline(event, view);
    case "offline":
      return renderOffline(event, view);
    case "joined":
      return renderJoined(event, view);
    case "left":
      return note(`You left ${event.room}`, view);
    case "connecting":
    case "renamed":
    case "live":
    case "typing":
      return undefined;
  }
}

/** A message of a room, or a private one in its own window. */
export type RenderedMessage =
  & Content
  & Pick<Message, "sender" | "timestamp" | "kind" | "account">
  & { readonly room?: string };

/** `[10:30:40] Alice: hi`, or `[10:30:40] * Alice waves` for an action, with marks by `finder`. */
export function renderMessage(said: RenderedMessage, view: View, finder?: Finder): string {
  const { paint } = view;
  const shown = shownName(said.sender, view);
  const name = (isSelf(said.sender, view) ? paint.bold(shown) : paint.name(shown, said.sender)) +
    markOf(said, view);
  // No name holds a `#`.
  const tag = view.tagged === true && said.room !== undefined ? `#${visible(said.room)} ` : "";
  const head = stamp(said.timestamp, view) + tag +
    (said.kind === "action" ? `* ${name} ` : `${name}: `);
  const mark = (row: string): string => highlight(row, finder, paint.mark);
  return layOut(head, contentText(said), indentOf(view), view, mark);
}

/** `[10:30:40] Alice @you: hi`. It cannot be forged, because no name contains an `@`. */
function renderDirect(direct: Direct, view: View): string {
  return layOut(directHead(direct, view), contentText(direct), indentOf(view), view);
}

/** The beginning of a private message in one row, for another window. */
export function renderDirectPreview(direct: Direct, view: View): string {
  const line = contentText(direct).replaceAll(/\s+/g, " ");
  const head = directHead(direct, view);
  // Some terminals wrap when the last column is written, so it stays free.
  const room = view.columns === undefined ? Infinity : view.columns - 1 - displayWidth(head);
  return head + fit(line, Math.max(1, room));
}

function directHead(direct: Direct, view: View): string {
  const { paint } = view;
  const painted = (name: string): string => paint.name(shownName(name, view), name);
  const mine = isSelf(direct.sender, view);
  const from = mine ? "you" : painted(direct.sender) + markOf(direct, view);
  const to = mine ? painted(direct.to) : "you";
  return `${stamp(direct.timestamp, view)}${from} ${paint.bold("@")}${to}: `;
}

/** Whether `name` is the user's own. */
export function isSelf(name: string, { self }: View): boolean {
  return self !== undefined && nameKey(name) === nameKey(self);
}

function renderOnline({ welcome, reconnected }: Online, view: View): string {
  if (!reconnected) return note(`You are ${welcome.sender}. /help lists the commands`, view);
  return note(`Connected again as ${welcome.sender}`, view);
}

/** `3 missed messages follow`. */
export function missedText(missed: number, of = ""): string {
  return `${plural(missed, "missed message")}${of} ${missed === 1 ? "follows" : "follow"}`;
}

function renderOffline({ reason, retryIn }: Offline, view: View): string {
  const why = reason === "" ? "Connection lost" : reason.replace(/\.$/, "");
  return problem(`${why}. Trying again ${inSeconds(retryIn)}`, view);
}

function inSeconds(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 1 ? "at once" : `in ${seconds} s`;
}

function renderJoined(joined: RoomJoined, view: View): string {
  const { room, rejoined, recovered, reset, missed } = joined;
  if (!rejoined) return note(whoText(joined), view);
  if (!recovered) return problem(gapText(`in ${room}`, reset), view);
  return note(
    missed === 0 ? `Nothing was missed in ${room}` : missedText(missed, ` of ${room}`),
    view,
  );
}

function renderPresence(presence: Presence, view: View): string | undefined {
  const others = (names: readonly string[] = []): readonly string[] =>
    names.filter((name) => !isSelf(name, view));
  const online = `(${presence.online} online)`;
  const joined = others(presence.joined);
  const left = others(presence.left);
  const sentences = [
    ...joined.length === 0 ? [] : [`${formatNames(joined)} joined ${online}`],
    ...left.length === 0 ? [] : [`${formatNames(left)} left ${online}`],
    ...(presence.renamed ?? []).map(({ from, to }) => `${from} is now ${to}`),
  ];
  if (sentences.length === 0) return undefined;
  return sentences.map((sentence) => note(sentence, view)).join("\n");
}
