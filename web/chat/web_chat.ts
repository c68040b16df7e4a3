import type { ClientEvent, ConnectOptions } from "../../client.ts";
import type { History, RoomPosition, Who } from "../../protocol.ts";
import { type CommandActions, CommandError, runLine } from "../state/commands.ts";
import { withEmoji } from "../state/emoji.ts";
import { noticeOf } from "../state/notices.ts";
import type { Action } from "../state/reduce.ts";
import type { WebSettings } from "../state/settings.ts";
import { errorText, sanitized } from "../state/sanitize.ts";
import { sharedAction, snapshotOf } from "../state/tab_sync.ts";
import { directKey, peopleIn, roomKey, roomOf, unreadIn } from "../state/threads.ts";
import {
  type ChatState,
  EMPTY,
  type LinkStatus,
  type ThreadKey,
  type UnsentMessage,
} from "../state/types.ts";
import { Announcements } from "./announcements.ts";
import { Notifier } from "./notifier.ts";
import { TabConnection } from "./tab_connection.ts";
import { actionsOf } from "./tab_requests.ts";
import type { SavedPosition, SavedState, TabMemory } from "./saved_state.ts";
import { restored, saved } from "./restore.ts";
import { HistoryLoader } from "./history_loader.ts";
import { FIRST_PAGE, ReadPositions } from "./read_positions.ts";
import {
  doubtful,
  isFocused,
  linkAfter,
  renamedKeys,
  sameName,
  whyCannotSend,
} from "./can_send.ts";
import { Store } from "./store.ts";
import { type Handover, randomId, type TabRequest, Tabs } from "./tabs.ts";
import { WebTypingNotifier } from "./typing_notifier.ts";

/** Milliseconds after a change until it is kept. */
const SAVE_DELAY = 300;

/** What a command can ask of the screen. */
export type ScreenActions = Pick<CommandActions, "search" | "save" | "help">;

/** How to begin again after the conversation had ended. */
export interface Restart {
  readonly token?: { readonly value: string; readonly remember: boolean };
  /** Another name, where the one before was refused. */
  readonly name?: string;
}

/** The conversation behind the page: connects, takes in what happens, does what the person wants. */
export class WebChat {
  readonly store: Store;
  readonly notifier: Notifier;
  readonly history: HistoryLoader;
  readonly announcements: Announcements;
  readonly #sign: WebTypingNotifier;
  readonly #tabs: Tabs;
  readonly #side: TabConnection;
  #tab: TabMemory;
  #settings: WebSettings;
  readonly #places: ReadPositions;
  /** The room of the page's address, shown once it is entered unless the user has acted by then. */
  #wanted: string | undefined;
  /** The name that was asked for, to be remembered once one has it. */
  #renaming: string | undefined;
  /** The token of the page's address. */
  #brought: string | undefined;
  #started = false;
  #saving: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly memory: SavedState, private readonly hub: URL) {
    this.announcements = new Announcements(memory.kept);
    this.#tab = memory.tab;
    this.#places = new ReadPositions(this.#tab.places);
    this.#settings = memory.settings;
    this.notifier = new Notifier(hub.pathname, ({ key }) => this.show(key));
    const presenceNotes = this.#settings.comings === "on";
    const { mention } = this.#settings;
    const begin: ChatState = { ...EMPTY, readMarkers: memory.marks, presenceNotes, mention };
    this.store = new Store(restored(begin, this.#tab), (before, actions) => {
      this.#changed(before, actions);
    });
    this.#tabs = new Tabs(`bcast ${hub.pathname} ${memory.person}`, () => memory.drafts.tab, {
      handover: () => ({ snapshot: snapshotOf(this.state), token: memory.tabToken }),
      follow: (handover) => this.#followTab(handover),
      takeOver: () => this.#takeOver(),
      yield: () => this.#side.drop(),
      actions: (actions) => {
        for (const action of actions) this.store.queue({ type: "shared", action });
      },
      request: (order, foreign) => this.#perform(order, foreign),
      attention: () => ({
        key: this.state.focused ? this.state.current : undefined,
        present: isPresent(),
      }),
      answer: (question) => this.#side.ask(question),
      read: (key) => this.store.queue({ type: "read-elsewhere", key }),
    });
    this.#sign = new WebTypingNotifier((room, typing) => {
      // Where one no longer is, the hub would answer every sign with why.
      if (this.state.threads.get(roomKey(room))?.closedReason !== undefined) return;
      this.#tabs.request({ do: "typing", room, typing });
    });
    this.#side = new TabConnection(this.store, {
      event: (event) => this.#take(event),
      end: (error) => void this.#end(error),
    });
    this.history = new HistoryLoader(this.store, () => ({
      history: (room, query = {}) =>
        this.#tabs.ask({ ask: "history", room, query }) as Promise<History>,
    }));
  }

  get state(): ChatState {
    return this.store.state;
  }

  get settings(): WebSettings {
    return this.#settings;
  }

  /** Whether this tab was in a conversation before it was loaded. */
  get isReturning(): boolean {
    return this.#tab.session !== undefined;
  }

  /** An address brought a token: for this tab, and at once where a conversation has begun. */
  useToken(token: string): void {
    this.memory.keepToken(token, "tab");
    this.#brought = token;
    if (this.#started) void this.restart({ token: { value: token, remember: false } });
  }

  /**
   * Begins the conversation: in another tab's connection where there is one, else under the session
   * of the last visit.
   *
   * @param rooms to enter besides those of the last visit; the first one is shown.
   * @param chosen whether the user has just chosen the name.
   */
  async start(
    name: string | undefined,
    rooms: readonly string[] = [],
    chosen = false,
  ): Promise<void> {
    this.#started = true;
    void this.#tabs.openTabs().then((open) => {
      this.memory.drafts.inherit(open);
      this.store.touch();
    });
    if (await this.#tabs.findLeader()) {
      for (const room of rooms.toReversed()) this.join(room);
      const other = name !== undefined && !sameName(name, this.state.me);
      if (chosen && other) this.rename(name);
      // The other tab has been waiting for one.
      const { connection } = this.state;
      const refused = connection.state === "refused" && connection.wantsToken;
      if (this.#brought !== undefined && refused) {
        await this.restart({ token: { value: this.#brought, remember: false } });
      }
      return;
    }
    const known = this.#tab.rooms.length > 0 ? this.#tab.rooms : this.memory.rooms;
    const wanted = [...new Set([...known, ...rooms])];
    if (rooms[0] !== undefined) this.#wanted = rooms[0];
    const { session } = this.memory;
    this.#side.connect(
      this.#options(name, session, wanted.map((room) => this.#places.position(room))),
    );
    this.#tabs.lead();
  }

  /** Changes what the person wants. */
  configure(change: Partial<WebSettings>): void {
    this.memory.changeSettings(change);
    this.refresh();
  }

  /** Another tab has changed what the browser keeps. */
  refresh(): void {
    this.#settings = this.memory.settings;
    this.announcements.refresh();
    this.store.apply({ type: "comings", comings: this.#settings.comings === "on" });
    this.store.apply({ type: "mention", mention: this.#settings.mention });
    this.store.touch();
  }

  /**
   * Says or does what was typed.
   *
   * @throws {CommandError} when it makes no sense.
   */
  submit(key: ThreadKey, line: string, screen: ScreenActions): void {
    this.#wanted = undefined;
    runLine(line, {
      room: roomOf(key),
      rooms: [...this.state.threads.values()].flatMap(({ key, name, room, closedReason }) => {
        if (!key.startsWith("#")) return [];
        return [{ room: name, online: room?.online ?? 0, gone: closedReason !== undefined }];
      }),
      people: peopleIn(this.state),
      say: (text, action) => {
        const reason = whyCannotSend(this.state, key);
        if (reason !== undefined) throw new CommandError(`Not sent: ${reason}`);
        this.#confirm(key);
        this.say(key, withEmoji(text), action);
      },
      whisper: (to, text) => {
        this.show(directKey(to), to);
        this.#confirm(directKey(to));
        this.say(directKey(to), withEmoji(text), false);
      },
      join: (room) => this.join(room),
      leave: (room) => this.leave(roomKey(room)),
      rename: (name) => this.rename(name),
      who: (room) => void this.#who(key, room),
      clear: () => this.store.apply({ type: "clear", key }),
      note: (text) => this.#note(key, text),
      quit: () => this.#tabs.request({ do: "quit" }),
      ...screen,
    });
  }

  /** Sends a message; it is shown as waiting until the hub has it. */
  say(key: ThreadKey, text: string, action: boolean): void {
    const name = this.state.threads.get(key)?.name ?? key.slice(1);
    const pending: UnsentMessage = { ref: `w${randomId()}`, text, action, at: Date.now() };
    this.#do({ do: "send", key, name, pending });
    this.#save();
  }

  /** The user has read an announcement: it goes in all tabs. */
  dismiss(id: string): void {
    this.announcements.dismiss(id);
    this.store.touch();
  }

  /** Sends again what the hub refused. */
  retry(key: ThreadKey, ref: string): void {
    const pending = this.state.threads.get(key)?.pending.find((each) => each.ref === ref);
    if (pending === undefined) return;
    this.#do({ do: "trust", key });
    this.discard(key, ref);
    this.say(key, pending.text, pending.action);
  }

  /** Forgets what the hub refused. */
  discard(key: ThreadKey, ref: string): void {
    this.#do({ do: "discard", key, ref });
    this.#save();
  }

  /** Shows a thread; with `name`, begins it if need be. */
  show(key: ThreadKey, name?: string): void {
    this.#wanted = undefined;
    if (name !== undefined && !this.state.threads.has(key)) this.#do({ do: "begin", key, name });
    this.store.apply({ type: "show", key });
  }

  /** Shows a room at once, and enters it unless the user is in it. */
  join(room: string): void {
    const key = roomKey(room);
    const known = this.state.threads.get(key);
    if (known?.room === undefined || known.closedReason !== undefined) {
      const from = known?.room;
      this.#do({
        do: "join",
        position: {
          room,
          history: FIRST_PAGE,
          // A room that the hub closed and opened again continues where it stopped.
          ...(from === undefined ? {} : { epoch: from.epoch, after: from.last }),
        },
      });
    }
    this.show(key);
  }

  /** Leaves a room or closes a private conversation: at once, whatever the hub has to do. */
  leave(key: ThreadKey): void {
    this.#do({ do: "leave", key });
  }

  /** Asks for another name, and remembers it for the next visit. */
  rename(name: string): void {
    const { state } = this.state.connection;
    if (state === "online" || state === "connecting" || state === "offline") {
      this.#tabs.request({ do: "nick", name });
    } else void this.restart({ name });
  }

  /** Tells the room whether one is typing; may be called for every key. */
  typing(key: ThreadKey, active: boolean): void {
    if (active) this.#wanted = undefined;
    this.#sign.set(key, active);
  }

  /** Whether somebody looks at the end of the current thread. */
  setFocused(attentive: boolean): void {
    if (attentive === this.state.focused) return;
    this.store.apply({ type: "attention", attentive });
    this.#tabs.shareAttention();
  }

  /** Now is a good moment to look after the connection. */
  wake(): void {
    this.#tabs.probe();
    this.#tabs.request({ do: "wake" });
  }

  /** The page comes out of the browser's cache: another tab may have taken over. */
  async resume(): Promise<void> {
    if (await this.#tabs.findLeader()) return;
    if (this.#side.wake()) this.#tabs.lead();
    else this.#takeOver();
  }

  /** Begins again after the conversation had ended: in place of whatever tab had it. */
  async restart({ token, name }: Restart = {}): Promise<void> {
    if (token !== undefined) {
      this.memory.keepToken(token.value, token.remember ? "browser" : "tab");
    }
    if (name !== undefined) this.memory.name = name;
    const { sender, session, positions } = this.#side;
    const fresh = this.state.connection.state === "replaced" || name !== undefined;
    const rooms = positions.length > 0
      ? positions
      : this.#places.positions(this.state, this.memory.rooms);
    this.#tabs.lead();
    await this.#side.close();
    this.#side.connect(this.#options(
      name ?? sender ?? this.state.me ?? this.memory.name,
      fresh ? undefined : session ?? this.memory.session,
      rooms,
    ));
  }

  /** Where the user reads, for when the page is loaded again; `undefined` at the end. */
  saveScroll(key: ThreadKey, place: SavedPosition | undefined): void {
    this.#places.keep(key, this.state.threads.get(key)?.room?.epoch, place);
  }

  /** Where the user was reading. */
  savedScroll(key: ThreadKey): SavedPosition | undefined {
    return this.#places.all[key];
  }

  /** Keeps at once whatever a reload needs. */
  saveNow(): void {
    clearTimeout(this.#saving);
    this.#saving = undefined;
    const session = this.#side.session ?? this.memory.session;
    const { tab, marks, rooms } = saved(this.state, this.#places.all, session);
    this.memory.tab = this.#tab = tab;
    this.memory.marks = marks;
    if (rooms.length > 0) this.memory.rooms = rooms;
  }

  /** The page goes away: another tab is to take its place. */
  close(): void {
    this.saveNow();
    this.#tabs.close();
  }

  /**
   * Has the user send again what may be for another person than they think.
   *
   * @throws {CommandError} the first time.
   */
  #confirm(key: ThreadKey): void {
    const thread = this.state.threads.get(key);
    if (thread?.other?.doubt === undefined) return;
    this.#do({ do: "trust", key });
    throw new CommandError(doubtful(thread.name));
  }

  /** Does something that all tabs are to see, and that may need the connection. */
  #do(order: TabRequest): void {
    if (!this.#tabs.leads) {
      for (const action of actionsOf(order, this.state)) this.store.apply(action);
    }
    this.#tabs.request(order);
  }

  /** Carries out what this tab, or another one, wants of the hub. */
  #perform(order: TabRequest, foreign: boolean): void {
    const isDead = order.do === "leave" &&
      this.state.threads.get(order.key)?.closedReason !== undefined;
    const actions = actionsOf(order, this.state);
    // Known already, and on its way.
    if (order.do === "send" && actions.length === 0) return;
    for (const action of actions) {
      const same = foreign ? sharedAction(action) : action;
      if (same !== undefined) this.store.apply(same);
    }
    if (order.do === "nick") this.#renaming = order.name;
    if (order.do === "quit") {
      void this.#side.close();
      this.#setConnection({ state: "ended", reason: "You said goodbye" });
    } else if (order.do === "send") {
      if (order.pending.error === undefined) this.#side.send(order.key, order.pending);
    } else if (!isDead) this.#side.perform(order);
  }

  /** Another tab has the connection: this one shows what that one knows. */
  #followTab({ snapshot, token }: Handover): void {
    this.#side.drop();
    if (token !== undefined) this.memory.tabToken = token;
    const before = this.state;
    this.store.apply({ type: "adopt", snapshot });
    this.#sendLeftover(before);
    this.#tabs.shareAttention();
  }

  /** The tab that had the connection is gone: this one continues where it has read. */
  #takeOver(): void {
    this.#tabs.lead();
    const { state } = this.state.connection;
    // Over at the user's wish, or the hub's: it stays so.
    if (state === "ended" || state === "refused" || state === "replaced") return;
    const options = this.#options(
      this.state.me,
      this.memory.session,
      this.#places.positions(this.state, this.memory.rooms),
    );
    this.#side.connect(options, true);
  }

  /** Hands on what waits to be sent here and is not known where the connection is. */
  #sendLeftover({ threads }: ChatState): void {
    for (const { key, name, pending } of threads.values()) {
      for (const each of pending) {
        if (this.state.threads.get(key)?.pending.some(({ ref }) => ref === each.ref)) continue;
        const error = each.error ?? "Another tab took over: it may have been delivered";
        const sent = roomOf(key) === undefined ? { ...each, error } : each;
        this.#do({ do: "send", key, name, pending: sent });
      }
    }
  }

  #options(
    sender: string | undefined,
    session: string | undefined,
    rooms: readonly RoomPosition[],
  ): ConnectOptions {
    const { token } = this.memory;
    return {
      url: this.hub,
      ...(sender === undefined ? {} : { sender }),
      ...(session === undefined ? {} : { session }),
      ...(token === undefined ? {} : { token }),
      ...(rooms.length === 0 ? {} : { rooms }),
    };
  }

  async #end(error: unknown): Promise<void> {
    const end = linkAfter(error);
    // The session continues in another tab, or somewhere that no tab knows of.
    if (end.state === "replaced" && await this.#tabs.findLeader()) return;
    this.#tabs.lead();
    this.#setConnection(end);
  }

  #take(told: ClientEvent): void {
    const event = sanitized(told);
    if (event.type === "online") this.memory.session = event.welcome.session;
    const original = told.type === "direct" ? { told } : {};
    this.store.queue({ type: "event", event, ...original, now: Date.now() });
    if (event.type === "joined" && event.room === this.#wanted) {
      this.#wanted = undefined;
      this.store.queue({ type: "show", key: roomKey(event.room) });
    }
    if (event.type === "system" && event.event === "announcement") {
      this.announcements.add(event);
      this.store.touch();
    }
    this.#attract(event);
  }

  /** Tells the user of what comes where they do not look. */
  #attract(event: ClientEvent): void {
    const notice = noticeOf(event, this.state, this.#settings);
    if (notice === undefined) return;
    const { attention } = this.#tabs;
    const seen = isFocused(this.state, notice.key) ||
      attention.some(({ key }) => key === notice.key);
    const { sounds } = this.#settings;
    if (sounds === "always" || (sounds === "on" && !seen)) this.notifier.play();
    if (seen) return;
    const present = isPresent() || attention.some(({ present }) => present);
    if (!present && this.#settings.notifications === "on") this.notifier.notify(notice);
  }

  #changed(before: ChatState, actions: readonly Action[]): void {
    if (this.#tabs.leads) {
      this.#tabs.share(actions.flatMap((action) => sharedAction(action) ?? []));
    }
    const { me, current, threads } = this.state;
    if (this.state === before) return;
    const { sender } = this.#side;
    const name = sender === undefined ? undefined : sanitized(sender);
    if (name !== undefined && name !== me) this.store.queue({ type: "me", name });
    if (me !== undefined && me === this.#renaming) this.memory.name = me;
    const thread = current === undefined ? undefined : threads.get(current);
    const where = thread === undefined
      ? ""
      : thread.key.startsWith("@")
      ? thread.name
      : `#${thread.name}`;
    const isOnline = this.state.connection.state === "online";
    if (isOnline && before.connection.state !== "online") this.#side.sendHeld();
    this.notifier.count(unreadIn(this.state).unread, where);
    if (before.threads !== threads) {
      for (const [from, to] of renamedKeys(before, this.state)) this.memory.drafts.move(from, to);
      const was = thread === undefined ? undefined : before.threads.get(thread.key);
      if (thread !== undefined && thread !== was && this.state.focused) {
        this.#tabs.read(thread.key);
      }
    }
    if (before.threads !== threads || before.current !== current) this.#save();
  }

  #setConnection(connection: LinkStatus): void {
    this.store.apply({ type: "connection", connection });
  }

  async #who(key: ThreadKey, room: string): Promise<void> {
    try {
      const { online, members } = sanitized(await this.#tabs.ask({ ask: "who", room }) as Who);
      const more = online > members.length ? ` and ${online - members.length} more` : "";
      this.#note(key, `In #${room}: ${members.join(", ") || "nobody"}${more}`);
    } catch (error) {
      this.#note(key, errorText(error));
    }
  }

  #note(key: ThreadKey, text: string): void {
    this.store.apply({ type: "note", key, text, tone: "info", now: Date.now() });
  }

  #save(): void {
    this.#saving ??= setTimeout(() => this.saveNow(), SAVE_DELAY);
  }
}

/** Whether the user is at this tab. */
function isPresent(): boolean {
  return document.visibilityState === "visible" && document.hasFocus();
}
