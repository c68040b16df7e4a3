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
import { plural } from "../lib/words.ts";
import { summarizePresence } from "./presence_summary.ts";
import { contentOf, type OutgoingRoomMessage } from "./unsent_messages.ts";
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

  constructor(
    private readonly context: ChatContext,
    private readonly options: EventHandlerOptions,
  ) {}

  handle(event: ClientEvent): void {
    const { status, typing, ignored } = this.context;
    switch (event.type) {
      case "connecting":
        status.link = this.#connecting();
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
        typing.update(event.room, event.sender, event.typing);
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
    const window = this.context.windows.open({ kind: "private", name: direct.to });
    window.markAnswered();
  }

  /** A message of one's own is in the log, and does not come back. */
  acked(saying: OutgoingRoomMessage, { id, timestamp }: Ack): void {
    const { windows, clock, connection } = this.context;
    const { sender } = connection;
    const window = windows.list.find({ kind: "room", room: saying.room });
    if (window === undefined || sender === undefined) return;
    this.#seen(window, id);
    window.recordSpeaker(sender, clock.now());
    const message: Message = { type: "message", id, sender, timestamp, ...contentOf(saying) };
    windows.keep({ kind: "message", message, mention: false }, window);
  }

  #seen(window: ChatWindow, id: number): void {
    const { position } = window;
    if (position !== undefined) {
      window.position = { ...position, after: Math.max(position.after, id) };
    }
  }

  #connecting(): ChatContext["status"]["link"] {
    const { link } = this.context.status;
    if (link.kind !== "offline") return { kind: "connecting", reason: undefined };
    const { reason, lostAt } = link;
    return { kind: "connecting", reason, lostAt };
  }

  #online({ reconnected, missed, welcome }: Online): void {
    const { windows, status, clock } = this.context;
    const { link } = status;
    const now = clock.now();
    status.link = { kind: "online", since: now };
    if (reconnected) {
      status.resumed++;
      status.recoveredMessages += missed;
      const lostAt = "lostAt" in link ? link.lostAt : undefined;
      const after = lostAt === undefined ? "" : ` after ${durationText(now - lostAt)}`;
      const what = missed > 0
        ? `; ${plural(missed, "missed message")} ${missed === 1 ? "follows" : "follow"}`
        // Where the hub cannot know, that is told room by room.
        : welcome.rooms.every(({ recovered }) => recovered)
        ? "; nothing was missed"
        : "";
      return windows.note(`Connected again${after}${what}`);
    }
    // Opened now, so that what is told next stands in the first of them.
    const opened = welcome.rooms.map(({ room }) => windows.open({ kind: "room", room }));
    if (opened[0] !== undefined) windows.list.replaceHome(opened[0]);
    const { wanted } = this.options;
    const taken = wanted !== undefined && nameKey(wanted) !== nameKey(welcome.sender);
    windows.note(`You are ${welcome.sender}${taken ? `, because ${wanted} is taken` : ""}`);
  }

  #offline({ reason, retryIn }: Offline): void {
    const { status, clock, typing } = this.context;
    const now = clock.now();
    const { link } = status;
    const lostAt = "lostAt" in link ? link.lostAt ?? now : now;
    status.link = { kind: "offline", reason, until: now + retryIn, lostAt };
    partnersListed(this.context);
    typing.clear();
  }

  #joined(event: RoomJoined): void {
    const { windows, status } = this.context;
    const { room, rejoined, recovered, last, epoch, history } = event;
    // The answer to `leave` is still on its way.
    if (status.leaving.has(room)) return;
    partnersListed(this.context, room);
    const window = windows.open({ kind: "room", room });
    const isNew = !window.entered;
    const before = window.position;
    window.entered = true;
    window.closedReason = window.notice = undefined;
    window.position = { epoch, after: history[0] === undefined ? last : history[0].id - 1 };
    status.joining = status.joining.filter((each) => each !== room);
    // What was said before one came is no news; what was said while one was gone is.
    window.newestAtJoin = before === undefined ? last : 0;
    if (isNew) {
      windows.add({ kind: "note", text: whoText(event) }, window);
      const invite = this.options.invite?.(room);
      if (event.online <= 1 && invite !== undefined) {
        windows.add(
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
      if (gap !== undefined) window.olderFrom = { before: first };
      windows.add({ kind: "problem", text: gapText(room, gap) }, window);
    }
  }

  /** The room was left: by the user, who was told so at once, or at the hub's wish. */
  #left(room: string): void {
    const { status, windows } = this.context;
    const asked = status.leaving.delete(room);
    const window = windows.list.find({ kind: "room", room });
    // One that is not entered yet waits for the answer to a later join.
    if (asked || window === undefined || !window.entered) return;
    this.#endRoom(window, window.notice);
  }

  /**
   * The hub no longer has the client in a room. Its window stays where it is, with its draft: another
   * one in its place would get what the user is typing.
   */
  #endRoom(window: ChatWindow, reason: string | undefined): void {
    const { windows, typing } = this.context;
    const { room = "" } = window;
    window.entered = false;
    window.closedReason = reason ?? UNKNOWN_REASON;
    window.presence = undefined;
    typing.clear(room);
    const text = `You are no longer in ${room}: ${sentence(window.closedReason)}`;
    if (window !== windows.current) {
      windows.problem(text);
      window.addUnread(false);
    }
    windows.add({
      kind: "problem",
      text:
        `${text}. Nothing is sent here. /join ${room} enters it again, /leave closes this window`,
    }, window);
  }

  #system({ message, event, room }: System): void {
    const { windows } = this.context;
    const window = this.#windowOf(room);
    // The hub tells in this way why it makes everybody leave.
    if (room !== undefined && event === "notice") window.notice = message;
    if (window !== windows.current) window.addUnread(false);
    windows.add({ kind: "note", text: message }, window);
  }

  #message(message: Message): void {
    const { windows, status, typing, clock, ignored } = this.context;
    const { room, sender, id } = message;
    if (status.leaving.has(room)) return;
    const window = windows.open({ kind: "room", room });
    window.notice = undefined;
    this.#seen(window, id);
    if (ignored.has(sender)) return;
    const mine = this.#isSelf(sender);
    const isNews = id > window.newestAtJoin;
    const mention = !mine &&
      mentions(message.message, this.context.connection.sender, status.settings.mention);
    typing.remove(room, sender);
    if (isNews) window.recordSpeaker(sender, clock.now());
    if (isNews && !mine) {
      if (window !== windows.current) window.addUnread(mention);
      if (mention) status.away?.addMissed(`${window.title}, ${lineOf(message)}`);
      this.#ring(mention);
    }
    windows.add({ kind: "message", message, mention }, window);
  }

  #direct(direct: Direct): void {
    const { windows, status } = this.context;
    // From another session of the same name.
    if (this.#isSelf(direct.sender)) return this.delivered(direct);
    const window = windows.open({ kind: "private", name: direct.sender });
    partnerWrote(this.context, window, direct);
    if (window !== windows.current) window.addUnread(true);
    this.#whisper(direct, direct.sender);
    status.lastDirectSender = direct.sender;
    this.#ring(true);
    this.#answerAway(direct);
  }

  /** Shows a private message in its window, and its beginning in the one that is shown. */
  #whisper(direct: Direct, name: string): void {
    const { windows } = this.context;
    const window = windows.open({ kind: "private", name });
    windows.add({ kind: "direct", direct }, window);
    if (window !== windows.current) windows.add({ kind: "glance", direct });
  }

  #answerAway(direct: Direct): void {
    const { status, connection } = this.context;
    const { away } = status;
    if (away === undefined) return;
    away.addMissed(`in private, ${lineOf(direct)}`);
    if (!away.shouldReplyTo(direct.sender)) return;
    connection.direct(direct.sender, { message: `Away: ${away.text}` }).catch(
      (error: unknown) => {
        // Nobody asked for it, so nobody is told; who wrote may be gone again.
        logger.debug("{name} was not told of being away: {error}", { name: direct.sender, error });
      },
    );
  }

  #presence(presence: Presence): void {
    const { windows, clock, status, ignored, typing } = this.context;
    const { room, online, joined = [], left = [], renamed = [] } = presence;
    const window = windows.list.find({ kind: "room", room });
    for (const { from, to } of renamed) {
      ignored.rename(from, to);
      partnerRenamed(this.context, from, to);
      if (
        status.lastDirectSender !== undefined && nameKey(status.lastDirectSender) === nameKey(from)
      ) {
        status.lastDirectSender = to;
      }
    }
    for (const name of left) partnerLeft(this.context, name, room);
    for (const name of [...joined, ...renamed.map(({ to }) => to)]) {
      partnerCame(this.context, name, room);
    }
    for (const name of [...left, ...renamed.map(({ from }) => from)]) typing.remove(room, name);
    if (window === undefined) return;
    const since = clock.now() - TALKED_WITHIN;
    const talks = (name: string): boolean =>
      window.hasSpoken(name, since) ||
      windows.list.find({ kind: "private", name }) !== undefined;
    const others = (names: readonly string[]): readonly string[] =>
      names.filter((name) => !this.#isSelf(name) && !ignored.has(name));
    const [came, went] = [others(joined), others(left)];
    // The own new name is told by itself.
    const named = renamed.filter(({ to }) => !this.#isSelf(to) && !ignored.has(to));
    window.presence = summarizePresence(window.presence, {
      ...presence,
      joined: came.filter((name) => !talks(name)),
      left: went.filter((name) => !talks(name)),
      renamed: named.filter(({ from, to }) => !talks(from) && !talks(to)),
    });
    const tell = (text: string): void =>
      windows.add({ kind: "note", text: `${text} (${online} online)` }, window);
    for (const { from, to } of named) {
      if (!talks(from) && !talks(to)) continue;
      window.recordSpeaker(to, clock.now());
      tell(`${from} is now ${to}`);
    }
    for (const name of went.filter(talks)) {
      window.recordLeft(name);
      tell(`${name} left`);
    }
    for (const name of came.filter(talks)) {
      if (window.announcesJoin(name)) tell(`${name} joined`);
    }
  }

  #error({ code, message }: ErrorFrame): void {
    const { windows, status } = this.context;
    if (!ROOM_ERRORS.includes(code)) return windows.problem(message);
    const open = windows.list.all.filter(({ room = "", entered, closedReason }) =>
      !entered && (status.joining.includes(room) || closedReason === UNKNOWN_REASON)
    );
    const named = open.filter(({ room = "" }) => names(message, room));
    // A mute is told in the same way, by an error that is about no room.
    const refused = named.length > 0 || code === "forbidden"
      ? named
      : open.filter(({ room }) => room === status.joining[0]);
    for (const window of refused) this.#refused(window, message);
    if (!refused.includes(windows.current)) windows.problem(message);
  }

  /** The hub does not let the client into a room. */
  #refused(window: ChatWindow, message: string): void {
    const { windows, status } = this.context;
    window.closedReason = message;
    status.joining = status.joining.filter((room) => room !== window.room);
    if (window !== windows.current) window.addUnread(false);
    windows.add({ kind: "problem", text: message }, window);
  }

  #ring(mention: boolean): void {
    const { clock, status, screen } = this.context;
    const { bell } = status.settings;
    if (bell === "never" || (bell === "mention" && !mention)) return;
    const now = clock.now();
    if (now >= this.#rangAt && now - this.#rangAt < RING_EVERY) return;
    this.#rangAt = now;
    screen.bell();
  }

  #windowOf(room: string | undefined): ChatWindow {
    const { list, current } = this.context.windows;
    return (room === undefined ? undefined : list.find({ kind: "room", room })) ?? current;
  }

  #isSelf(name: string): boolean {
    const { sender } = this.context.connection;
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
