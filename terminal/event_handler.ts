import { getLogger } from "@logtape/logtape";
import type { ClientEvent, Offline, Online, RoomJoined } from "../client/types.ts";
import {
  type Ack,
  type Direct,
  type ErrorCode,
  type ErrorFrame,
  type Message,
  nameKey,
  type Presence,
  type System,
} from "../protocol.ts";
import { contentText } from "../chat/content.ts";
import { mentions } from "../chat/mention.ts";
import { plural } from "../render/text.ts";
import { summarizePresence } from "./presence_summary.ts";
import { contentOf, type RoomSaying } from "./unsent_messages.ts";
import type { ChatContext } from "./chat_context.ts";
import {
  partnerCame,
  partnerLeft,
  partnerRenamed,
  partnersListed,
  partnerWrote,
} from "./partner_notes.ts";
import { durationText, whoText } from "./presence_text.ts";
import type { ChatWindow } from "./windows.ts";

const logger = getLogger(["bcast", "client"]);

/** Milliseconds after which somebody who said something is as quiet as one who never did. */
const TALKED_WITHIN = 5 * 60_000;
/** Milliseconds between two rings: a burst of messages is one alarm, not a hundred. */
const RING_EVERY = 1000;

/** Why a room was left where the hub did not say it. */
const UNKNOWN_REASON = "the hub took you out of it";

// Errors that answer a wish to enter a room.
const ROOM_ERRORS: readonly ErrorCode[] = ["bad_room", "forbidden", "too_many_rooms"];

/** What a reception is told beside the parts. */
export interface EventHandlerOptions {
  /** The name that was asked for. */
  readonly wanted?: string;
  /** What others type to come to a room. */
  readonly invite?: (room: string) => string;
}

/** Puts what happens where it belongs: into windows, counts, bells. */
export class EventHandler {
  #rangAt = -Infinity;

  constructor(private readonly parts: ChatContext, private readonly options: EventHandlerOptions) {}

  take(event: ClientEvent): void {
    const { facts, typing, ignored } = this.parts;
    switch (event.type) {
      case "connecting":
        facts.connection = this.#connecting();
        break;
      case "online":
        return this.#online(event);
      case "offline":
        return this.#offline(event);
      case "joined":
        return this.#joined(event);
      case "left":
        return this.#left(event.room);
      case "message":
        return this.#message(event);
      case "direct":
        return ignored.has(event.sender) ? undefined : this.#direct(event);
      case "presence":
        return this.#presence(event);
      case "typing":
        if (ignored.has(event.sender) || this.#isSelf(event.sender)) return;
        typing.heard(event.room, event.sender, event.typing);
        break;
      case "system":
        return this.#system(event);
      case "error":
        return this.#error(event);
    }
  }

  /** A private message of one's own has arrived. */
  delivered(direct: Direct): void {
    this.#whisper(direct, direct.to);
    const window = this.parts.board.open({ kind: "private", name: direct.to });
    window.answered();
  }

  /** A message of one's own is in the log, and does not come back. */
  kept(saying: RoomSaying, { id, timestamp }: Ack): void {
    const { board, clock, conversation } = this.parts;
    const { sender } = conversation;
    const window = board.windows.find({ kind: "room", room: saying.room });
    if (window === undefined || sender === undefined) return;
    this.#seen(window, id);
    window.spoke(sender, clock.now());
    const message: Message = { type: "message", id, sender, timestamp, ...contentOf(saying) };
    board.keep({ kind: "message", message, mention: false }, window);
  }

  #seen(window: ChatWindow, id: number): void {
    const { position } = window;
    if (position !== undefined) {
      window.position = { ...position, after: Math.max(position.after, id) };
    }
  }

  #connecting(): ChatContext["facts"]["connection"] {
    const { connection } = this.parts.facts;
    if (connection.kind !== "offline") return { kind: "connecting", reason: undefined };
    const { reason, lostAt } = connection;
    return { kind: "connecting", reason, lostAt };
  }

  #online({ reconnected, missed, welcome }: Online): void {
    const { board, facts, clock } = this.parts;
    const { connection } = facts;
    const now = clock.now();
    facts.connection = { kind: "online", since: now };
    if (reconnected) {
      facts.resumed++;
      facts.missed += missed;
      const lostAt = "lostAt" in connection ? connection.lostAt : undefined;
      const after = lostAt === undefined ? "" : ` after ${durationText(now - lostAt)}`;
      const what = missed > 0
        ? `; ${plural(missed, "missed message")} ${missed === 1 ? "follows" : "follow"}`
        // Where the hub cannot know, that is told room by room.
        : welcome.rooms.every(({ recovered }) => recovered)
        ? "; nothing was missed"
        : "";
      return board.note(`Connected again${after}${what}`);
    }
    // Opened now, so that what is told next stands in the first of them.
    const windows = welcome.rooms.map(({ room }) => board.open({ kind: "room", room }));
    if (windows[0] !== undefined) board.windows.begin(windows[0]);
    const { wanted } = this.options;
    const taken = wanted !== undefined && nameKey(wanted) !== nameKey(welcome.sender);
    board.note(`You are ${welcome.sender}${taken ? `, because ${wanted} is taken` : ""}`);
  }

  #offline({ reason, retryIn }: Offline): void {
    const { facts, clock, typing } = this.parts;
    const now = clock.now();
    const { connection } = facts;
    const lostAt = "lostAt" in connection ? connection.lostAt ?? now : now;
    facts.connection = { kind: "offline", reason, until: now + retryIn, lostAt };
    partnersListed(this.parts);
    typing.clear();
  }

  #joined(event: RoomJoined): void {
    const { board, facts } = this.parts;
    const { room, rejoined, recovered, last, epoch, history } = event;
    // The answer to `leave` is still on its way.
    if (facts.leaving.has(room)) return;
    partnersListed(this.parts, room);
    const window = board.open({ kind: "room", room });
    const isNew = !window.entered;
    const before = window.position;
    window.entered = true;
    window.ended = window.notice = undefined;
    window.position = { epoch, after: history[0] === undefined ? last : history[0].id - 1 };
    facts.wanted = facts.wanted.filter((each) => each !== room);
    // What was said before one came is no news; what was said while one was gone is.
    window.oldest = before === undefined ? last : 0;
    if (isNew) {
      board.add({ kind: "note", text: whoText(event) }, window);
      const invite = this.options.invite?.(room);
      if (event.online <= 1 && invite !== undefined) {
        board.add(
          { kind: "note", text: `Nobody else is here yet. Others come with: ${invite}` },
          window,
        );
      }
    }
    if (rejoined && before !== undefined && !recovered) {
      const first = history[0]?.id ?? last + 1;
      const gap = before.epoch === epoch ? first - 1 - before.after : undefined;
      // Nothing is missing where the first message comes right after the last one seen.
      if (gap !== undefined && gap <= 0) return;
      if (gap !== undefined) window.past = { before: first };
      board.add({ kind: "problem", text: gapText(room, gap) }, window);
    }
  }

  /** The room was left: by the user, who was told so at once, or at the hub's wish. */
  #left(room: string): void {
    const { facts, board } = this.parts;
    const asked = facts.leaving.delete(room);
    const window = board.windows.find({ kind: "room", room });
    // One that is not entered yet waits for the answer to a later join.
    if (asked || window === undefined || !window.entered) return;
    this.#endRoom(window, window.notice);
  }

  /**
   * The hub no longer has the client in a room. Its window stays where it is, with its draft: another
   * one in its place would get what the user is typing.
   */
  #endRoom(window: ChatWindow, reason: string | undefined): void {
    const { board, typing } = this.parts;
    const { room = "" } = window;
    window.entered = false;
    window.ended = reason ?? UNKNOWN_REASON;
    window.fold = undefined;
    typing.clear(room);
    const text = `You are no longer in ${room}: ${sentence(window.ended)}`;
    if (window !== board.current) {
      board.problem(text);
      window.count(false);
    }
    board.add({
      kind: "problem",
      text:
        `${text}. Nothing is sent here. /join ${room} enters it again, /leave closes this window`,
    }, window);
  }

  #system({ message, event, room }: System): void {
    const { board } = this.parts;
    const window = this.#windowOf(room);
    // The hub tells in this way why it makes everybody leave.
    if (room !== undefined && event === "notice") window.notice = message;
    if (window !== board.current) window.count(false);
    board.add({ kind: "note", text: message }, window);
  }

  #message(message: Message): void {
    const { board, facts, typing, clock, ignored } = this.parts;
    const { room, sender, id } = message;
    if (facts.leaving.has(room)) return;
    const window = board.open({ kind: "room", room });
    window.notice = undefined;
    this.#seen(window, id);
    if (ignored.has(sender)) return;
    const mine = this.#isSelf(sender);
    const isNews = id > window.oldest;
    const mention = !mine &&
      mentions(message.message, this.parts.conversation.sender, facts.settings.mention);
    typing.over(room, sender);
    if (isNews) window.spoke(sender, clock.now());
    if (isNews && !mine) {
      if (window !== board.current) window.count(mention);
      if (mention) facts.away?.miss(`${window.title}, ${lineOf(message)}`);
      this.#ring(mention);
    }
    board.add({ kind: "message", message, mention }, window);
  }

  #direct(direct: Direct): void {
    const { board, facts } = this.parts;
    // From another session of the same name.
    if (this.#isSelf(direct.sender)) return this.delivered(direct);
    const window = board.open({ kind: "private", name: direct.sender });
    partnerWrote(this.parts, window, direct);
    if (window !== board.current) window.count(true);
    this.#whisper(direct, direct.sender);
    facts.lastPrivate = direct.sender;
    this.#ring(true);
    this.#answerAway(direct);
  }

  /** Shows a private message in its window, and its beginning in the one that is shown. */
  #whisper(direct: Direct, name: string): void {
    const { board } = this.parts;
    const window = board.open({ kind: "private", name });
    board.add({ kind: "direct", direct }, window);
    if (window !== board.current) board.add({ kind: "glance", direct });
  }

  #answerAway(direct: Direct): void {
    const { facts, conversation } = this.parts;
    const { away } = facts;
    if (away === undefined) return;
    away.miss(`in private, ${lineOf(direct)}`);
    if (!away.tells(direct.sender)) return;
    conversation.direct(direct.sender, { message: `Away: ${away.text}` }).catch(
      (error: unknown) => {
        // Nobody asked for it, so nobody is told; who wrote may be gone again.
        logger.debug("{name} was not told of being away: {error}", { name: direct.sender, error });
      },
    );
  }

  #presence(presence: Presence): void {
    const { board, clock, facts, ignored, typing } = this.parts;
    const { room, online, joined = [], left = [], renamed = [] } = presence;
    const window = board.windows.find({ kind: "room", room });
    for (const { from, to } of renamed) {
      ignored.rename(from, to);
      partnerRenamed(this.parts, from, to);
      if (facts.lastPrivate !== undefined && nameKey(facts.lastPrivate) === nameKey(from)) {
        facts.lastPrivate = to;
      }
    }
    for (const name of left) partnerLeft(this.parts, name, room);
    for (const name of [...joined, ...renamed.map(({ to }) => to)]) {
      partnerCame(this.parts, name, room);
    }
    for (const name of [...left, ...renamed.map(({ from }) => from)]) typing.over(room, name);
    if (window === undefined) return;
    const since = clock.now() - TALKED_WITHIN;
    const talks = (name: string): boolean =>
      window.hasSpoken(name, since) ||
      board.windows.find({ kind: "private", name }) !== undefined;
    const others = (names: readonly string[]): readonly string[] =>
      names.filter((name) => !this.#isSelf(name) && !ignored.has(name));
    const [came, went] = [others(joined), others(left)];
    // The own new name is told by itself.
    const named = renamed.filter(({ to }) => !this.#isSelf(to) && !ignored.has(to));
    window.fold = summarizePresence(window.fold, {
      ...presence,
      joined: came.filter((name) => !talks(name)),
      left: went.filter((name) => !talks(name)),
      renamed: named.filter(({ from, to }) => !talks(from) && !talks(to)),
    });
    const tell = (text: string): void =>
      board.add({ kind: "note", text: `${text} (${online} online)` }, window);
    for (const { from, to } of named) {
      if (!talks(from) && !talks(to)) continue;
      window.spoke(to, clock.now());
      tell(`${from} is now ${to}`);
    }
    for (const name of went.filter(talks)) {
      window.left(name);
      tell(`${name} left`);
    }
    for (const name of came.filter(talks)) {
      if (window.isNewsThatCame(name)) tell(`${name} joined`);
    }
  }

  #error({ code, message }: ErrorFrame): void {
    const { board, facts } = this.parts;
    if (!ROOM_ERRORS.includes(code)) return board.problem(message);
    const open = board.windows.list.filter(({ room = "", entered, ended }) =>
      !entered && (facts.wanted.includes(room) || ended === UNKNOWN_REASON)
    );
    const named = open.filter(({ room = "" }) => names(message, room));
    // A mute is told in the same way, by an error that is about no room.
    const refused = named.length > 0 || code === "forbidden"
      ? named
      : open.filter(({ room }) => room === facts.wanted[0]);
    for (const window of refused) this.#refused(window, message);
    if (!refused.includes(board.current)) board.problem(message);
  }

  /** The hub does not let the client into a room. */
  #refused(window: ChatWindow, message: string): void {
    const { board, facts } = this.parts;
    window.ended = message;
    facts.wanted = facts.wanted.filter((room) => room !== window.room);
    if (window !== board.current) window.count(false);
    board.add({ kind: "problem", text: message }, window);
  }

  #ring(mention: boolean): void {
    const { clock, facts, screen } = this.parts;
    const { bell } = facts.settings;
    if (bell === "never" || (bell === "mention" && !mention)) return;
    const now = clock.now();
    if (now >= this.#rangAt && now - this.#rangAt < RING_EVERY) return;
    this.#rangAt = now;
    screen.bell();
  }

  #windowOf(room: string | undefined): ChatWindow {
    const { windows, current } = this.parts.board;
    return (room === undefined ? undefined : windows.find({ kind: "room", room })) ?? current;
  }

  #isSelf(name: string): boolean {
    const { sender } = this.parts.conversation;
    return sender !== undefined && nameKey(name) === nameKey(sender);
  }
}

function gapText(room: string, gap: number | undefined): string {
  if (gap === undefined) {
    return `Messages may be missing in ${room}: the hub no longer has all since you were here`;
  }
  const [lines, them] = gap === 1 ? ["1 message", "it"] : [plural(gap, "message"), "them"];
  return `${lines} of ${room} ${gap === 1 ? "is" : "are"} not shown here: ` +
    `/older ${gap} shows ${them}, as far as the hub has ${them}`;
}

/** Without the full stop, for a longer sentence. */
function sentence(text: string): string {
  return text.replace(/\.$/, "");
}

/** Whether a text has a room's name as a word of its own. */
function names(text: string, room: string): boolean {
  return text.split(/[^a-z0-9._-]+/).some((word) => word.replace(/[._-]+$/, "") === room);
}

/** `Bob: hi there`, in one line. */
function lineOf(said: Message | Direct): string {
  const text = contentText(said).replaceAll(/\s+/g, " ");
  return `${said.sender}: ${text.length > 200 ? `${text.slice(0, 200)}…` : text}`;
}
