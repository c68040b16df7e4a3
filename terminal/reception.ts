import { getLogger } from "@logtape/logtape";
import type { ClientEvent, Offline, Online, RoomEntered } from "../client/types.ts";
import {
  type Direct,
  type ErrorCode,
  type ErrorFrame,
  type Message,
  nameKey,
  type Presence,
} from "../protocol.ts";
import { contentText } from "../chat/content.ts";
import { mentions } from "../chat/mention.ts";
import { plural } from "../cli/text.ts";
import { foldPresence } from "./fold.ts";
import type { ChatParts } from "./parts.ts";
import { durationText, whoText } from "./sentences.ts";
import type { ChatWindow } from "./windows.ts";

const logger = getLogger(["bcast", "client"]);

/** Milliseconds after which somebody who said something is as quiet as one who never did. */
const TALKED_WITHIN = 5 * 60_000;
/** Milliseconds between two rings: a burst of messages is one alarm, not a hundred. */
const RING_EVERY = 1000;

// Errors that answer a wish to enter a room.
const ROOM_ERRORS: readonly ErrorCode[] = ["bad_room", "forbidden", "too_many_rooms"];

/** What a reception is told beside the parts. */
export interface ReceptionOptions {
  /** The name that was asked for. */
  readonly wanted?: string;
  /** What others type to come to a room. */
  readonly invite?: (room: string) => string;
}

/** Puts what happens where it belongs: into windows, counts, bells. */
export class Reception {
  #rangAt = -Infinity;

  constructor(private readonly parts: ChatParts, private readonly options: ReceptionOptions) {}

  take(event: ClientEvent): void {
    const { board, facts, typing, ignored } = this.parts;
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
        return ignored.has(event.sender) ? undefined : this.#message(event);
      case "direct":
        return ignored.has(event.sender) ? undefined : this.#direct(event);
      case "presence":
        return this.#presence(event);
      case "typing":
        if (ignored.has(event.sender) || this.#isSelf(event.sender)) return;
        typing.heard(event.room, event.sender, event.typing);
        break;
      case "system":
        board.add({ kind: "note", text: event.message }, this.#windowOf(event.room));
        break;
      case "error":
        return this.#error(event);
    }
  }

  /** A private message of one's own has arrived. */
  delivered(direct: Direct): void {
    this.#whisper(direct, direct.to);
  }

  #connecting(): ChatParts["facts"]["connection"] {
    const { connection } = this.parts.facts;
    if (connection.kind !== "offline") return { kind: "connecting", reason: undefined };
    const { reason, lostAt } = connection;
    return { kind: "connecting", reason, lostAt };
  }

  #online({ again, missed, welcome }: Online): void {
    const { board, facts, clock } = this.parts;
    const { connection } = facts;
    const now = clock.now();
    facts.connection = { kind: "online", since: now };
    if (again) {
      facts.resumed++;
      facts.missed += missed;
      const lostAt = connection.kind === "online" ? undefined : connection.lostAt;
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
    for (const { room } of welcome.rooms) board.open({ kind: "room", room });
    const { wanted } = this.options;
    const taken = wanted !== undefined && nameKey(wanted) !== nameKey(welcome.sender);
    board.note(`You are ${welcome.sender}${taken ? `, because ${wanted} is taken` : ""}`);
  }

  #offline({ reason, retryIn }: Offline): void {
    const { facts, clock, typing } = this.parts;
    const now = clock.now();
    const lostAt = facts.connection.kind === "online" ? now : facts.connection.lostAt ?? now;
    facts.connection = { kind: "offline", reason, until: now + retryIn, lostAt };
    typing.clear();
  }

  #joined(event: RoomEntered): void {
    const { board, facts } = this.parts;
    const { room, again, recovered, last } = event;
    const window = board.open({ kind: "room", room });
    const isNew = !window.entered;
    window.entered = true;
    if (facts.wanted === room) facts.wanted = undefined;
    // What was said before one came is no news; what was said while one was gone is.
    window.oldest = isNew ? last : 0;
    if (isNew) {
      board.add({ kind: "note", text: whoText(event) }, window);
      const invite = this.options.invite?.(room);
      if (event.online <= 1 && invite !== undefined) {
        board.add(
          { kind: "note", text: `Nobody else is here yet. Others come with: ${invite}` },
          window,
        );
      }
    } else if (again && !recovered) {
      const text = `Messages may be missing in ${room}: ` +
        "the hub no longer has all since you were here";
      board.add({ kind: "problem", text }, window);
    }
  }

  #left(room: string): void {
    const { board, facts } = this.parts;
    const window = board.windows.find({ kind: "room", room });
    if (facts.wanted === room) facts.wanted = undefined;
    if (window !== undefined) board.close(window);
    board.note(`You left ${room}`);
    if (board.current.place.kind === "home") board.note("You are in no room: /join ROOM");
  }

  #message(message: Message): void {
    const { board, facts, typing, clock } = this.parts;
    const window = board.open({ kind: "room", room: message.room });
    const mine = this.#isSelf(message.sender);
    const isNews = message.id > window.oldest;
    const mention = !mine &&
      mentions(message.message, this.parts.conversation.sender, facts.settings.mention);
    typing.over(message.room, message.sender);
    if (isNews) window.spoke(message.sender, clock.now());
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
    if (this.#isSelf(direct.sender)) return this.#whisper(direct, direct.to);
    const window = board.open({ kind: "private", name: direct.sender });
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
      board.windows.find({ kind: "private", name: from })?.rename(to);
      if (facts.lastPrivate !== undefined && nameKey(facts.lastPrivate) === nameKey(from)) {
        facts.lastPrivate = to;
      }
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
    window.fold = foldPresence(window.fold, {
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
    const { wanted } = facts;
    if (wanted !== undefined && ROOM_ERRORS.includes(code)) {
      facts.wanted = undefined;
      const window = board.windows.find({ kind: "room", room: wanted });
      if (window !== undefined && !window.entered) board.close(window);
    }
    board.problem(message);
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

/** `Bob: hi there`, in one line. */
function lineOf(said: Message | Direct): string {
  const text = contentText(said).replaceAll(/\s+/g, " ");
  return `${said.sender}: ${text.length > 200 ? `${text.slice(0, 200)}…` : text}`;
}
