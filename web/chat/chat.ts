import {
  type ClientEvent,
  connect,
  ConnectError,
  type Conversation,
  RequestError,
} from "../../client.ts";
import { CLOSE, nameKey, type RoomPosition } from "../../protocol.ts";
import { type CommandActions, CommandError, runLine } from "../state/commands.ts";
import { withEmoji } from "../state/emoji.ts";
import { noticeOf } from "../state/notices.ts";
import type { Settings } from "../state/settings.ts";
import { directKey, peopleIn, roomKey, roomOf, unreadIn } from "../state/threads.ts";
import {
  type ChatState,
  type Connection,
  EMPTY,
  type Pending,
  type ThreadKey,
} from "../state/types.ts";
import { Attractor } from "./attract.ts";
import type { BrowserMemory, Place, TabMemory } from "./memory.ts";
import { restored, saved } from "./restore.ts";
import { Past } from "./past.ts";
import { Store } from "./store.ts";
import { TabClaim } from "./tab.ts";
import { TypingSign } from "./typing_sign.ts";

/** Messages of a room to begin with: a screenful or two. */
const FIRST_PAGE = 60;

/** Messages above the place where one was reading that come with it. */
const ABOVE_PLACE = 40;

/** Milliseconds after a change until it is kept. */
const SAVE_DELAY = 300;

/** What a command can ask of the screen. */
export type ScreenActions = Pick<CommandActions, "search" | "save" | "help">;

/** The conversation behind the page: connects, takes in what happens, does what the person wants. */
export class Chat {
  readonly store: Store;
  readonly attractor: Attractor;
  readonly past: Past;
  readonly #sign: TypingSign;
  readonly #claim: TabClaim;
  #tab: TabMemory;
  #conversation: Conversation | undefined;
  #settings: Settings;
  #places: TabMemory["places"];
  /** The room of the page's address, shown once it is entered unless the user has acted by then. */
  #wanted: string | undefined;
  /** Rooms that the user left and that the hub may still believe them to be in. */
  readonly #leaving = new Set<string>();
  /** The name that was asked for, to be remembered once one has it. */
  #renaming: string | undefined;
  #saving: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly memory: BrowserMemory, private readonly hub: URL) {
    this.#tab = memory.tab;
    this.#places = this.#tab.places;
    this.#settings = memory.settings;
    this.#sign = new TypingSign(() => this.#conversation);
    this.#claim = new TabClaim(`bcast ${hub.pathname}`);
    this.attractor = new Attractor(({ key }) => this.show(key));
    const comings = this.#settings.comings === "on";
    const begin: ChatState = { ...EMPTY, marks: memory.marks, comings };
    this.store = new Store(restored(begin, this.#tab), (before) => this.#changed(before));
    this.past = new Past(this.store, () => this.#online());
  }

  get state(): ChatState {
    return this.store.state;
  }

  get settings(): Settings {
    return this.#settings;
  }

  /** Whether this tab was in a conversation before it was loaded. */
  get isReturning(): boolean {
    return this.#tab.session !== undefined;
  }

  /**
   * Begins the conversation: goes on with the tab's session where there is one and no other tab
   * has it.
   *
   * @param rooms to enter besides those of the last visit; the first one is shown.
   */
  async start(name: string | undefined, rooms: readonly string[] = []): Promise<void> {
    const { session } = this.#tab;
    const own = session !== undefined && await this.#claim.claim(session);
    // A copy of another tab begins anew: what waits there is sent from there.
    if (session !== undefined && !own) {
      this.#tab = { ...this.#tab, pending: {}, directs: [] };
      this.store.apply({ type: "forget" });
    }
    const known = this.#tab.rooms.length > 0 ? this.#tab.rooms : this.memory.rooms;
    const wanted = [...new Set([...known, ...rooms])];
    if (rooms[0] !== undefined) this.#wanted = rooms[0];
    this.#connect(name, own ? session : undefined, wanted.map((room) => this.#position(room)));
    this.#resend();
  }

  /** Changes what the person wants. */
  configure(change: Partial<Settings>): void {
    this.#settings = { ...this.#settings, ...change };
    this.memory.settings = this.#settings;
    this.store.apply({ type: "comings", comings: this.#settings.comings === "on" });
    this.store.touch();
  }

  /**
   * Says or does what was typed.
   *
   * @throws {CommandError} when it makes no sense.
   */
  enter(key: ThreadKey, line: string, screen: ScreenActions): void {
    this.#wanted = undefined;
    runLine(line, {
      room: roomOf(key),
      rooms: [...this.state.threads.values()].flatMap(({ key, name, room, gone }) => {
        if (!key.startsWith("#")) return [];
        return [{ room: name, online: room?.online ?? 0, gone: gone !== undefined }];
      }),
      people: peopleIn(this.state),
      say: (text, action) => {
        const reason = whyMute(this.state, key);
        if (reason !== undefined) throw new CommandError(`Not sent: ${reason}`);
        this.say(key, withEmoji(text), action);
      },
      whisper: (to, text) => {
        this.show(directKey(to), to);
        this.say(directKey(to), withEmoji(text), false);
      },
      join: (room) => this.join(room),
      leave: (room) => this.leave(roomKey(room)),
      rename: (name) => this.rename(name),
      who: (room) => void this.#who(key, room),
      clear: () => this.store.apply({ type: "clear", key }),
      note: (text) => this.#note(key, text),
      quit: () => this.quit(),
      ...screen,
    });
  }

  /** Sends a message; it is shown as waiting until the hub has it. */
  say(key: ThreadKey, text: string, action: boolean): void {
    const ref = newRef();
    const pending: Pending = { ref, text, action, at: Date.now() };
    this.store.apply({ type: "sending", key, pending });
    this.#save();
    this.#send(key, pending);
  }

  /** Sends again what the hub refused. */
  retry(key: ThreadKey, ref: string): void {
    const pending = this.state.threads.get(key)?.pending.find((each) => each.ref === ref);
    if (pending === undefined) return;
    this.store.apply({ type: "discard", key, ref });
    this.say(key, pending.text, pending.action);
  }

  /** Forgets what the hub refused. */
  discard(key: ThreadKey, ref: string): void {
    this.store.apply({ type: "discard", key, ref });
    this.#save();
  }

  /** Shows a thread; with `name`, begins it if need be. */
  show(key: ThreadKey, name?: string): void {
    this.#wanted = undefined;
    this.store.apply({ type: "show", key, ...(name === undefined ? {} : { name }) });
  }

  /** Shows a room at once, and enters it unless the user is in it. */
  join(room: string): void {
    const key = roomKey(room);
    const known = this.state.threads.get(key);
    if (known?.room !== undefined && known.gone === undefined) return this.show(key);
    this.store.apply({ type: "entering", room });
    this.show(key);
    this.#leaving.delete(room);
    const from = known?.room;
    this.#conversation?.join({
      room,
      history: FIRST_PAGE,
      // A room that the hub closed and opened again continues where it stopped.
      ...(from === undefined ? {} : { epoch: from.epoch, after: from.last }),
    });
  }

  /** Leaves a room or closes a private conversation: at once, whatever the hub has to do. */
  leave(key: ThreadKey): void {
    const room = roomOf(key);
    const isIn = this.state.threads.get(key)?.gone === undefined;
    this.store.apply({ type: "close", key });
    if (room === undefined || !isIn) return;
    this.#leaving.add(room);
    this.#conversation?.leave(room);
  }

  /** Asks for another name, and remembers it for the next visit. */
  rename(name: string): void {
    this.#renaming = name;
    this.#conversation?.nick(name);
  }

  /** Tells the room whether one is typing; may be called for every key. */
  typing(key: ThreadKey, active: boolean): void {
    if (active) this.#wanted = undefined;
    this.#sign.set(key, active);
  }

  /** Whether somebody looks at the end of the current thread. */
  attend(attentive: boolean): void {
    this.store.apply({ type: "attention", attentive });
  }

  /** Now is a good moment to look after the connection. */
  wake(): void {
    this.#conversation?.wake();
  }

  /** Begins again after the conversation had ended: with a token, or in place of another tab. */
  async restart(token?: { readonly value: string; readonly remember: boolean }): Promise<void> {
    if (token !== undefined) {
      this.memory.keepToken(token.value, token.remember ? "browser" : "tab");
    }
    const replaced = this.state.connection.state === "replaced";
    const session = replaced ? undefined : this.#conversation?.session ?? this.#tab.session;
    const known = this.#conversation?.positions ?? [];
    const rooms = known.length > 0 ? known : this.memory.rooms.map((room) => this.#position(room));
    await this.#conversation?.close();
    this.#connect(this.#conversation?.sender ?? this.memory.name, session, rooms);
    this.#resend();
  }

  /** Says goodbye. */
  quit(): void {
    void this.#conversation?.close();
    this.#setConnection({ state: "ended", reason: "You said goodbye" });
  }

  /** Where somebody reads, for when the page is loaded again; `undefined` at the end. */
  keepPlace(key: ThreadKey, place: Place | undefined): void {
    const epoch = this.state.threads.get(key)?.room?.epoch;
    const { [key]: _, ...others } = this.#places;
    this.#places = place === undefined || epoch === undefined
      ? others
      : { ...others, [key]: { ...place, epoch } };
  }

  /** Where somebody was reading. */
  placeOf(key: ThreadKey): Place | undefined {
    return this.#places[key];
  }

  /** Keeps at once whatever a reload needs. */
  saveNow(): void {
    clearTimeout(this.#saving);
    this.#saving = undefined;
    const session = this.#conversation?.session ?? this.#tab.session;
    const { tab, marks, rooms } = saved(this.state, this.#places, session);
    this.memory.tab = this.#tab = tab;
    this.memory.marks = marks;
    if (rooms.length > 0) this.memory.rooms = rooms;
  }

  #connect(
    name: string | undefined,
    session: string | undefined,
    rooms: readonly RoomPosition[],
  ): void {
    const { token } = this.memory;
    const conversation = connect({
      url: this.hub,
      retryFirst: true,
      ...(name === undefined ? {} : { sender: name }),
      ...(session === undefined ? {} : { session }),
      ...(token === undefined ? {} : { token }),
      ...(rooms.length === 0 ? {} : { rooms }),
    });
    this.#conversation = conversation;
    void this.#follow(conversation);
  }

  async #follow(conversation: Conversation): Promise<void> {
    try {
      for await (const event of conversation) {
        if (this.#conversation !== conversation) return;
        this.#take(event);
      }
    } catch (error) {
      if (this.#conversation === conversation) this.#setConnection(endOf(error));
    }
  }

  #take(event: ClientEvent): void {
    if (this.#isLeft(event)) return;
    const { session } = this.#conversation ?? {};
    if (event.type === "online" && session !== undefined) this.#claim.own(session);
    this.store.queue({ type: "event", event, now: Date.now() });
    if (event.type === "joined" && event.room === this.#wanted) {
      this.#wanted = undefined;
      this.store.queue({ type: "show", key: roomKey(event.room) });
    }
    const notice = noticeOf(event, this.state, this.#settings);
    if (notice === undefined || isLookedAt(this.state, notice.key)) return;
    if (this.#settings.sounds === "on") this.attractor.play();
    const hidden = document.visibilityState === "hidden" || !document.hasFocus();
    if (hidden && this.#settings.notifications === "on") this.attractor.notify(notice);
  }

  /** Whether `event` tells of a room that the user has left, and so is to be ignored. */
  #isLeft(event: ClientEvent): boolean {
    if (event.type === "left") return this.#leaving.delete(event.room);
    return event.type === "joined" && this.#leaving.has(event.room);
  }

  #changed(before: ChatState): void {
    const { me, current, threads } = this.state;
    const sender = this.#conversation?.sender;
    if (sender !== undefined && sender !== me) this.store.queue({ type: "me", name: sender });
    if (me !== undefined && me === this.#renaming) this.memory.name = me;
    const thread = current === undefined ? undefined : threads.get(current);
    const where = thread === undefined
      ? ""
      : thread.room === undefined
      ? thread.name
      : `#${thread.name}`;
    this.attractor.count(unreadIn(this.state).unread, where);
    if (before.threads !== threads) {
      for (const [from, to] of renamedKeys(before, this.state)) this.memory.moveDraft(from, to);
    }
    if (before.threads !== threads || before.current !== current) this.#save();
  }

  #setConnection(connection: Connection): void {
    this.store.apply({ type: "connection", connection });
  }

  #send(key: ThreadKey, { ref, text, action }: Pending): void {
    const conversation = this.#conversation;
    if (conversation === undefined) return;
    const room = roomOf(key);
    const sent = room === undefined
      ? this.#sendDirect(conversation, key, ref, text)
      : conversation.send({ room, message: text, ref, ...(action ? { kind: "action" } : {}) })
        .then(({ id }) => this.store.queue({ type: "acked", key, ref, id }));
    sent.catch((error) => {
      // The conversation ended: the next one sends it.
      if (error instanceof ConnectError && (room !== undefined || error.failure !== "lost")) return;
      const reason = error instanceof RequestError && error.code === "no_such_user"
        ? `${this.state.threads.get(key)?.name ?? "That person"} is not here any more`
        : error instanceof Error
        ? error.message
        : String(error);
      this.store.queue({ type: "failed", key, ref, error: reason });
    });
  }

  async #sendDirect(
    conversation: Conversation,
    key: ThreadKey,
    ref: string,
    text: string,
  ): Promise<void> {
    const to = this.state.threads.get(key)?.name ?? key.slice(1);
    const direct = await conversation.direct(to, { message: text });
    this.store.queue({ type: "delivered", key, ref, direct });
  }

  /** Sends what an earlier conversation could not, under the same marks: the hub keeps each once. */
  #resend(): void {
    for (const { key, pending } of this.state.threads.values()) {
      for (const each of pending) if (each.error === undefined) this.#send(key, each);
    }
  }

  async #who(key: ThreadKey, room: string): Promise<void> {
    try {
      const { online, members } = await this.#online().who(room);
      const more = online > members.length ? ` and ${online - members.length} more` : "";
      this.#note(key, `In #${room}: ${members.join(", ") || "nobody"}${more}`);
    } catch (error) {
      this.#note(key, error instanceof Error ? error.message : String(error));
    }
  }

  #note(key: ThreadKey, text: string): void {
    this.store.apply({ type: "note", key, text, tone: "info", now: Date.now() });
  }

  #online(): Conversation {
    if (this.#conversation === undefined) throw new Error("There is no conversation yet");
    return this.#conversation;
  }

  /** Where to begin in a room: where one was reading, if that was not the end. */
  #position(room: string): RoomPosition {
    const place = this.#places[roomKey(room)];
    if (place === undefined) return { room, history: FIRST_PAGE };
    const after = Math.max(0, place.id - ABOVE_PLACE);
    return { room, epoch: place.epoch, after, history: FIRST_PAGE };
  }

  #save(): void {
    this.#saving ??= setTimeout(() => this.saveNow(), SAVE_DELAY);
  }
}

/** Why nothing can be sent in a thread; `undefined` where something can. */
export function whyMute({ connection, threads }: ChatState, key: ThreadKey): string | undefined {
  if (connection.state === "refused" || connection.state === "ended") return connection.reason;
  if (connection.state === "replaced") return "This conversation continues in another tab";
  return threads.get(key)?.gone;
}

/** Private conversations whose key is another, because the other person took another name. */
function renamedKeys(
  before: ChatState,
  { threads }: ChatState,
): readonly (readonly [from: ThreadKey, to: ThreadKey])[] {
  return [...before.threads.values()].flatMap(({ key, born }) => {
    if (key.startsWith("#") || threads.has(key)) return [];
    const now = [...threads.values()].find((each) => each.born === born);
    return now === undefined ? [] : [[key, now.key] as const];
  });
}

/** Whether somebody sees what comes in there. */
function isLookedAt({ attentive, current }: ChatState, key: ThreadKey): boolean {
  return attentive && current === key;
}

function endOf(error: unknown): Connection {
  if (!(error instanceof ConnectError)) throw error;
  const { failure, code, message } = error;
  if (code === CLOSE.replaced) return { state: "replaced" };
  const reason = message.replace(/^The hub at \S+ refused: /, "");
  if (failure !== "refused") return { state: "ended", reason };
  return { state: "refused", reason, wantsToken: code === CLOSE.unauthorized || code === 401 };
}

function newRef(): string {
  return crypto.getRandomValues(new Uint8Array(12))
    .reduce((text, byte) => text + byte.toString(16).padStart(2, "0"), "w");
}

/** Whether two names are one person's. */
export function sameName(one: string, other: string | undefined): boolean {
  return other !== undefined && nameKey(one) === nameKey(other);
}
