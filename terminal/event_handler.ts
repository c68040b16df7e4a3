import { getLogger } from "@logtape/logtape";
import { contentText } from "../chat/content.ts";
import { mentions } from "../chat/mention.ts";
import { summarizePresence, whoText } from "../chat/presence.ts";
import { errorInRoom } from "../chat/room_errors.ts";
import { formatDuration } from "../chat/time.ts";
import type { ClientEvent, Offline, Online, RoomJoined } from "../client/types.ts";
import {
  type Ack,
  type Direct,
  type ErrorFrame,
  type Live,
  type Message,
  nameKey,
  type Presence,
  type System,
} from "../protocol.ts";
import type { ChatContext, LinkStatus } from "./chat_context.ts";
import { withoutFullStop } from "./hub_requests.ts";
import { noteDirect, notePresence, noteReconnect } from "./partner_notes.ts";
import { rejoinItems } from "./rejoin_notes.ts";
import type { RoomContent } from "./unsent_messages.ts";
import type { ChatWindow } from "./windows.ts";

const logger = getLogger(["bcast", "client"]);

/** Milliseconds after a message during which its sender's joins and leaves get lines of their own. */
const ACTIVE_MS = 5 * 60_000;
/** Milliseconds between two rings: a burst of messages rings once. */
const RING_INTERVAL_MS = 1000;

/** The reason of a removal that the hub did not explain. */
const UNKNOWN_REASON = "the hub removed you";

/** Options of {@linkcode EventHandler}. */
export interface EventHandlerOptions {
  /** The name that the user asked for at the start. */
  readonly wanted: string | undefined;
  /** The command with which others enter a room. */
  readonly invite: ((room: string) => string) | undefined;
}

/** Puts the hub's events into windows, counts and status. */
export class EventHandler {
  #rangAt = -Infinity;
  /** A note about a reconnect that waits for the room of the current window to be entered again. */
  #reconnectNote: { readonly room: string; readonly text: string } | undefined;

  constructor(
    private readonly context: ChatContext,
    private readonly options: EventHandlerOptions,
  ) {}

  handle(event: ClientEvent): void {
    const { status, typing, ignored } = this.context;
    switch (event.type) {
      case "connecting":
        status.link = connectingAfter(status.link);
        break;
      case "online":
        return this.#online(event);
      case "offline":
        return this.#offline(event);
      case "joined":
        return this.#joined(event);
      case "renamed":
        // The name is shown elsewhere.
        return;
      case "live":
        return this.#live(event);
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
        typing.update(event.room, event.sender, event.active);
        break;
      case "system":
        return this.#system(event);
      case "error":
        return this.#error(event);
    }
  }

  /** The user's private message was delivered. */
  delivered(direct: Direct): void {
    this.#showDirect(direct, direct.to);
    this.context.windows.open({ kind: "private", name: direct.to }).markAnswered();
  }

  /** The hub has the user's message, and does not send it back. */
  acked(room: string, content: RoomContent, { id, timestamp }: Ack): void {
    const { windows, clock, connection: { sender } } = this.context;
    const window = windows.list.find({ kind: "room", room });
    if (window === undefined || sender === undefined) return;
    markReceived(window, id);
    window.recordSpeaker(sender, clock.now());
    const message: Message = { type: "message", id, room, sender, timestamp, ...content };
    windows.keep({ kind: "message", message, mention: false }, window);
  }

  #online({ reconnected, welcome }: Online): void {
    const { windows, status, clock } = this.context;
    const { link } = status;
    const now = clock.now();
    status.link = { kind: "online", since: now };
    if (reconnected) {
      status.resumed++;
      const lostAt = "lostAt" in link ? link.lostAt : undefined;
      const text = `Connected again${
        lostAt === undefined ? "" : ` after ${formatDuration(now - lostAt)}`
      }`;
      const { current: { room } } = windows;
      // Its `joined` event comes next, and tells how many messages were missed.
      if (room === undefined || !welcome.rooms.includes(room)) windows.note(text);
      else this.#reconnectNote = { room, text };
      return;
    }
    // Opened now, so that the next notes appear in the first of them.
    const [first] = welcome.rooms.map((room) => windows.open({ kind: "room", room }));
    if (first !== undefined) windows.list.replaceHome(first);
    const { wanted } = this.options;
    const isTaken = wanted !== undefined && nameKey(wanted) !== nameKey(welcome.sender);
    windows.note(`You are ${welcome.sender}${isTaken ? `, because ${wanted} is taken` : ""}`);
  }

  #offline({ reason, retryIn }: Offline): void {
    const { status, clock, typing } = this.context;
    const { link } = status;
    const now = clock.now();
    const lostAt = "lostAt" in link ? link.lostAt ?? now : now;
    status.link = { kind: "offline", reason, until: now + retryIn, lostAt };
    this.#reconnectNote = undefined;
    noteReconnect(this.context);
    typing.clear();
  }

  #joined(event: RoomJoined): void {
    const { windows, status } = this.context;
    const { room, rejoined, recovered, missed, last, epoch, messages: [first] } = event;
    const reconnectNote = this.#takeReconnectNote(room);
    if (rejoined) status.recoveredMessages += missed;
    // The answer to `leave` is still on its way.
    if (status.leaving.has(room)) {
      if (reconnectNote !== undefined) windows.note(reconnectNote);
      return;
    }
    noteReconnect(this.context);
    const window = windows.open({ kind: "room", room });
    const isNew = !window.entered;
    const before = window.position;
    window.entered = true;
    window.closedReason = window.notice = undefined;
    const continued = recovered && before?.epoch === epoch ? before.after : last;
    window.position = { epoch, after: first === undefined ? continued : first.id - 1 };
    status.joining = status.joining.filter((each) => each !== room);
    // Messages from before the first join are history; those missed since are news.
    window.newestAtJoin = before === undefined ? last : 0;
    if (isNew) {
      windows.add({ kind: "note", text: whoText(event) }, window);
      const invite = this.options.invite?.(room);
      if (event.online <= 1 && invite !== undefined) {
        const text = `No one else is here yet. Others can join with: ${invite}`;
        windows.add({ kind: "note", text }, window);
      }
    }
    const items = rejoinItems(event, before, reconnectNote);
    for (const item of items) windows.add(item, window);
    if (items.some(({ kind }) => kind === "problem")) {
      window.olderFrom = { before: first?.id ?? last + 1 };
    }
  }

  #takeReconnectNote(room: string): string | undefined {
    if (this.#reconnectNote?.room !== room) return undefined;
    const { text } = this.#reconnectNote;
    this.#reconnectNote = undefined;
    return text;
  }

  /** All up to `id` was sent, including entries that cannot be shown. */
  #live({ room, id }: Live): void {
    const window = this.context.windows.list.find({ kind: "room", room });
    if (window !== undefined) markReceived(window, id);
  }

  /** The user left the room, which was announced at once, or the hub closed it. */
  #left(room: string): void {
    const { status, windows } = this.context;
    const isRequested = status.leaving.delete(room);
    const window = windows.list.find({ kind: "room", room });
    // One that is not entered yet waits for the answer to a later join.
    if (isRequested || window === undefined || !window.entered) return;
    this.#closeRoom(window, room);
  }

  /**
   * The hub removed the user from a room. Its window stays, with its draft: another window in its
   * place would get what the user is typing.
   */
  #closeRoom(window: ChatWindow, room: string): void {
    const { windows, typing } = this.context;
    window.entered = false;
    window.closedReason = window.notice ?? UNKNOWN_REASON;
    window.presence = undefined;
    typing.clear(room);
    const text = `You are no longer in ${room}: ${withoutFullStop(window.closedReason)}`;
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
    const window = (room === undefined ? undefined : windows.list.find({ kind: "room", room })) ??
      windows.current;
    // The hub announces in this way why it is about to close the room.
    if (room !== undefined && event === "notice") window.notice = message;
    if (window !== windows.current) window.addUnread(false);
    windows.add({ kind: "note", text: message }, window);
  }

  #message(message: Message): void {
    const { windows, status, typing, clock, ignored, connection } = this.context;
    const { room, sender, id } = message;
    if (status.leaving.has(room)) return;
    const window = windows.open({ kind: "room", room });
    window.notice = undefined;
    markReceived(window, id);
    if (ignored.has(sender)) return;
    const isOwn = this.#isSelf(sender);
    const isNews = id > window.newestAtJoin;
    const mention = !isOwn &&
      mentions(message.message, connection.sender, status.settings.mention);
    typing.remove(room, sender);
    if (isNews) window.recordSpeaker(sender, clock.now());
    if (isNews && !isOwn) {
      if (window !== windows.current) window.addUnread(mention);
      if (mention) status.away?.addMissed(`${window.title}, ${lineOf(message)}`);
      this.#ring(mention);
    }
    windows.add({ kind: "message", message, mention }, window);
  }

  #direct(direct: Direct): void {
    const { windows, status } = this.context;
    // From another session of the user.
    if (this.#isSelf(direct.sender)) return this.delivered(direct);
    const window = windows.open({ kind: "private", name: direct.sender });
    noteDirect(this.context, window, direct);
    if (window !== windows.current) window.addUnread(true);
    this.#showDirect(direct, direct.sender);
    status.lastDirectSender = direct.sender;
    this.#ring(true);
    this.#answerAway(direct);
  }

  /** Shows a private message in its window, and a preview in the current one. */
  #showDirect(direct: Direct, name: string): void {
    const { windows } = this.context;
    const window = windows.open({ kind: "private", name });
    windows.add({ kind: "direct", direct }, window);
    if (window !== windows.current) windows.add({ kind: "preview", direct });
  }

  #answerAway(direct: Direct): void {
    const { status: { away }, connection } = this.context;
    if (away === undefined) return;
    away.addMissed(`in private, ${lineOf(direct)}`);
    if (!away.shouldReplyTo(direct.sender)) return;
    connection.direct(direct.sender, { message: `Away: ${away.text}` }).catch((error: unknown) => {
      // The sender may have left; the user did not type this message, so gets no error.
      logger.debug("{name} did not get the away text: {error}", { name: direct.sender, error });
    });
  }

  #presence(presence: Presence): void {
    const { clock, ignored, status, typing, windows } = this.context;
    const { room, joined = [], left = [], renamed = [] } = presence;
    for (const { from, to } of renamed) {
      ignored.rename(from, to);
      const { lastDirectSender } = status;
      if (lastDirectSender !== undefined && nameKey(lastDirectSender) === nameKey(from)) {
        status.lastDirectSender = to;
      }
    }
    notePresence(this.context, presence);
    for (const name of [...left, ...renamed.map(({ from }) => from)]) typing.remove(room, name);
    const window = windows.list.find({ kind: "room", room });
    if (window === undefined) return;
    const since = clock.now() - ACTIVE_MS;
    const isActive = (name: string): boolean =>
      window.hasSpoken(name, since) ||
      windows.list.find({ kind: "private", name }) !== undefined;
    const isShown = (name: string): boolean => !this.#isSelf(name) && !ignored.has(name);
    const [came, went] = [joined.filter(isShown), left.filter(isShown)];
    // The user's own new name is told elsewhere.
    const named = renamed.filter(({ to }) => isShown(to));
    window.presence = summarizePresence(window.presence, {
      ...presence,
      joined: came.filter((name) => !isActive(name)),
      left: went.filter((name) => !isActive(name)),
      renamed: named.filter(({ from, to }) => !isActive(from) && !isActive(to)),
    });
    const note = (text: string): void =>
      windows.add({ kind: "note", text: `${text} (${presence.online} online)` }, window);
    for (const { from, to } of named) {
      if (!isActive(from) && !isActive(to)) continue;
      window.recordSpeaker(to, clock.now());
      note(`${from} is now ${to}`);
    }
    for (const name of went.filter(isActive)) {
      window.recordLeft(name);
      note(`${name} left`);
    }
    for (const name of came.filter(isActive)) {
      if (window.announcesJoin(name)) note(`${name} joined`);
    }
  }

  #error(error: ErrorFrame): void {
    const { windows, status } = this.context;
    const { re, room, message } = error;
    const window = re === "join" && room !== undefined
      ? windows.list.find({ kind: "room", room })
      : undefined;
    // A room that was closed with a reason keeps it, unless the user asked to enter it again.
    const isRefused = window !== undefined && !window.entered &&
      (status.joining.includes(room ?? "") || window.closedReason === UNKNOWN_REASON);
    if (isRefused) {
      window.closedReason = message;
      status.joining = status.joining.filter((each) => each !== room);
      if (window !== windows.current) window.addUnread(false);
      windows.add({ kind: "problem", text: message }, window);
    }
    if (!isRefused || window !== windows.current) windows.problem(errorInRoom(error));
  }

  #ring(mention: boolean): void {
    const { clock, status, screen } = this.context;
    const { bell } = status.settings;
    if (bell === "never" || (bell === "mention" && !mention)) return;
    const now = clock.now();
    if (now >= this.#rangAt && now - this.#rangAt < RING_INTERVAL_MS) return;
    this.#rangAt = now;
    screen.bell();
  }

  #isSelf(name: string): boolean {
    const { sender } = this.context.connection;
    return sender !== undefined && nameKey(name) === nameKey(sender);
  }
}

function connectingAfter(link: LinkStatus): LinkStatus {
  if (link.kind !== "offline") return { kind: "connecting", reason: undefined };
  const { reason, lostAt } = link;
  return { kind: "connecting", reason, lostAt };
}

/** A later join of the room resumes after this message. */
function markReceived(window: ChatWindow, id: number): void {
  const { position } = window;
  if (position !== undefined) {
    window.position = { ...position, after: Math.max(position.after, id) };
  }
}

/** `Bob: hi there`, in one line. */
function lineOf(said: Message | Direct): string {
  const text = contentText(said).replaceAll(/\s+/g, " ");
  return `${said.sender}: ${text.length > 200 ? `${text.slice(0, 200)}…` : text}`;
}
