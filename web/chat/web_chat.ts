import { TypingNotifier } from "../../chat/typing.ts";
import type { ClientEvent, ConnectOptions, HistoryPage } from "../../client.ts";
import { wallClock } from "../../lib/clock.ts";
import type { Members, RoomPosition } from "../../protocol.ts";
import type { Action } from "../state/actions.ts";
import { alertOf } from "../state/notices.ts";
import { sanitized } from "../state/sanitize.ts";
import type { WebSettings } from "../state/settings.ts";
import { sharedAction, snapshotOf } from "../state/tab_sync.ts";
import { roomKey, roomOf, titleOf, unreadIn } from "../state/threads.ts";
import {
  type ChatState,
  EMPTY,
  type PageConnection,
  type ThreadKey,
  type UnsentMessage,
} from "../state/types.ts";
import { Announcements } from "./announcements.ts";
import { linkAfter, renamedKeys, sameName } from "./can_send.ts";
import { HistoryLoader } from "./history_loader.ts";
import { Notifier } from "./notifier.ts";
import { PageSaver } from "./page_saver.ts";
import { FIRST_PAGE } from "./read_positions.ts";
import { restoredState } from "./restore.ts";
import type { SavedPosition, SavedState } from "./saved_state.ts";
import { Store } from "./store.ts";
import { TabConnection } from "./tab_connection.ts";
import { actionsOf } from "./tab_requests.ts";
import { type Handover, randomId, type TabRequest, Tabs } from "./tabs.ts";

/** Changes with which the user connects again. */
export interface Restart {
  readonly token?: { readonly value: string; readonly remember: boolean };
  /** Another name, if the last one was refused. */
  readonly name?: string;
}

/** The chat behind the page: connects, applies events, and carries out the user's actions. */
export class WebChat {
  readonly store: Store;
  readonly notifier: Notifier;
  readonly history: HistoryLoader;
  readonly announcements: Announcements;
  readonly #typing: TypingNotifier;
  readonly #tabs: Tabs;
  readonly #connection: TabConnection;
  readonly #saver: PageSaver;
  #settings: WebSettings;
  /** The room of the page's address, shown once it is entered unless the user acts before. */
  #wantedRoom: string | undefined;
  /** The requested name, remembered once the hub grants it. */
  #requestedName: string | undefined;
  /** The token of the page's address. */
  #addressToken: string | undefined;
  #started = false;

  constructor(readonly memory: SavedState, private readonly hub: URL) {
    this.announcements = new Announcements(memory.kept);
    this.#saver = new PageSaver(memory, () => this.state, () => this.#connection.session);
    this.#settings = memory.settings;
    this.notifier = new Notifier(hub.pathname, ({ key }) => this.show(key));
    const { mention, comings } = this.#settings;
    const begin: ChatState = {
      ...EMPTY,
      readMarkers: memory.readMarkers,
      presenceNotes: comings === "on",
      mention,
    };
    this.store = new Store(restoredState(begin, this.#saver.tab), (before, actions) => {
      this.#changed(before, actions);
    });
    this.#tabs = new Tabs(`bcast ${hub.pathname} ${memory.person}`, () => memory.drafts.tab, {
      handover: () => ({ snapshot: snapshotOf(this.state), token: memory.tabToken }),
      follow: (handover) => this.#follow(handover),
      takeOver: () => this.#takeOver(),
      yield: () => this.#connection.drop(),
      actions: (actions) => {
        for (const action of actions) this.store.queue({ type: "shared", action });
      },
      request: (request, foreign) => this.#perform(request, foreign),
      attention: () => ({
        key: this.state.focused ? this.state.current : undefined,
        present: isPresent(),
      }),
      answer: (question) => this.#connection.ask(question),
      read: (key) => this.store.queue({ type: "read-elsewhere", key }),
    });
    this.#typing = new TypingNotifier(wallClock, (room, active) => {
      // In a room that the user is no longer in, the hub would answer with errors.
      if (this.state.threads.get(roomKey(room))?.closedReason !== undefined) return;
      this.#tabs.request({ do: "typing", room, active });
    });
    this.#connection = new TabConnection(this.store, {
      event: (event) => this.#take(event),
      end: (error) => void this.#end(error),
    });
    this.history = new HistoryLoader(this.store, (room, query) => {
      return this.#tabs.ask({ ask: "history", room, query }) as Promise<HistoryPage>;
    });
  }

  get state(): ChatState {
    return this.store.state;
  }

  get settings(): WebSettings {
    return this.#settings;
  }

  /** Whether this tab was connected before a reload. */
  get isReturning(): boolean {
    return this.#saver.tab.session !== undefined;
  }

  /** Uses the token of the page's address, in this tab only. */
  useToken(token: string): void {
    this.memory.keepToken(token, "tab");
    this.#addressToken = token;
    if (this.#started) void this.restart({ token: { value: token, remember: false } });
  }

  /**
   * Starts: with the connection of another tab if there is one, else with the session of the last
   * visit.
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
      const isOther = name !== undefined && !sameName(name, this.state.me);
      if (chosen && isOther) this.rename(name);
      // The other tab may have been waiting for a token.
      const { connection } = this.state;
      const isRefused = connection.state === "refused" && connection.wantsToken;
      if (this.#addressToken !== undefined && isRefused) {
        await this.restart({ token: { value: this.#addressToken, remember: false } });
      }
      return;
    }
    const { rooms: last } = this.#saver.tab;
    const known = last.length > 0 ? last : this.memory.rooms;
    const wanted = [...new Set([...known, ...rooms])];
    if (rooms[0] !== undefined) this.#wantedRoom = rooms[0];
    const positions = wanted.map((room) => this.#saver.positions.position(room));
    this.#connection.connect(this.#options(name, this.memory.session, positions));
    this.#tabs.lead();
  }

  configure(change: Partial<WebSettings>): void {
    this.memory.changeSettings(change);
    this.refresh();
  }

  /** Another tab has changed the browser's storage. */
  refresh(): void {
    this.#settings = this.memory.settings;
    this.announcements.refresh();
    this.store.apply({ type: "comings", comings: this.#settings.comings === "on" });
    this.store.apply({ type: "mention", mention: this.#settings.mention });
    this.store.touch();
  }

  /** Sends a message. It is shown as pending until the hub has it. */
  say(key: ThreadKey, text: string, action: boolean): void {
    this.#wantedRoom = undefined;
    const name = this.state.threads.get(key)?.name ?? key.slice(1);
    const pending: UnsentMessage = { ref: `w${randomId()}`, text, action, at: Date.now() };
    this.#do({ do: "send", key, name, pending });
    this.#saver.saveSoon();
  }

  /** Dismisses an announcement in all tabs. */
  dismiss(id: string): void {
    this.announcements.dismiss(id);
    this.store.touch();
  }

  /** Sends a refused message again. */
  retry(key: ThreadKey, ref: string): void {
    const pending = this.state.threads.get(key)?.pending.find((each) => each.ref === ref);
    if (pending === undefined) return;
    this.confirm(key);
    this.discard(key, ref);
    this.say(key, pending.text, pending.action);
  }

  /** The user knows that the other person may be a different one. */
  confirm(key: ThreadKey): void {
    this.#do({ do: "trust", key });
  }

  /** Drops a refused message. */
  discard(key: ThreadKey, ref: string): void {
    this.#do({ do: "discard", key, ref });
    this.#saver.saveSoon();
  }

  /** Shows a thread. With `name`, opens a private conversation if there is none. */
  show(key: ThreadKey, name?: string): void {
    this.#wantedRoom = undefined;
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
          recent: FIRST_PAGE,
          // A room that was closed for a while resumes where it stopped.
          ...(from === undefined ? {} : { epoch: from.epoch, after: from.last }),
        },
      });
    }
    this.show(key);
  }

  /** Leaves a room or closes a private conversation, without waiting for the hub. */
  leave(key: ThreadKey): void {
    this.#do({ do: "leave", key });
  }

  /** Requests a name, which is remembered for the next visit. */
  rename(name: string): void {
    const { state } = this.state.connection;
    if (state === "online" || state === "connecting" || state === "offline") {
      this.#tabs.request({ do: "nick", name });
    } else void this.restart({ name });
  }

  async who(room: string): Promise<Members> {
    return sanitized(await this.#tabs.ask({ ask: "members", room }) as Members);
  }

  /** Ends the session, in all tabs. */
  quit(): void {
    this.#tabs.request({ do: "quit" });
  }

  /** The user has edited the draft of a thread; an empty one ends the typing notice. */
  typing(key: ThreadKey, draft: string): void {
    if (draft !== "") this.#wantedRoom = undefined;
    this.#typing.edited(roomOf(key), draft);
  }

  /** Whether the user is looking at the end of the current thread. */
  setFocused(focused: boolean): void {
    if (focused === this.state.focused) return;
    this.store.apply({ type: "attention", attentive: focused });
    this.#tabs.shareAttention();
  }

  /** Checks the connection, at a moment when it may have changed. */
  wake(): void {
    this.#tabs.probe();
    this.#tabs.request({ do: "wake" });
  }

  /** The page returns from the browser's cache. Another tab may have taken over. */
  async resume(): Promise<void> {
    if (await this.#tabs.findLeader()) return;
    if (this.#connection.wake()) this.#tabs.lead();
    else this.#takeOver();
  }

  /** Connects again after the session has ended, in place of the tab that had the connection. */
  async restart({ token, name }: Restart = {}): Promise<void> {
    if (token !== undefined) {
      this.memory.keepToken(token.value, token.remember ? "browser" : "tab");
    }
    if (name !== undefined) this.memory.name = name;
    const { sender, session, positions } = this.#connection;
    const isFresh = this.state.connection.state === "replaced" || name !== undefined;
    const rooms = positions.length > 0
      ? positions
      : this.#saver.positions.positions(this.state, this.memory.rooms);
    this.#tabs.lead();
    await this.#connection.close();
    this.#connection.connect(this.#options(
      name ?? sender ?? this.state.me ?? this.memory.name,
      isFresh ? undefined : session ?? this.memory.session,
      rooms,
    ));
  }

  /** Remembers the scroll position for a reload; `undefined` at the end. */
  saveScroll(key: ThreadKey, position: SavedPosition | undefined): void {
    this.#saver.keepScroll(key, position);
  }

  savedScroll(key: ThreadKey): SavedPosition | undefined {
    return this.#saver.positions.all[key];
  }

  /** Saves everything that a reload needs. */
  saveNow(): void {
    this.#saver.saveNow();
  }

  /** The page is closed, and another tab takes over. */
  close(): void {
    this.saveNow();
    this.#tabs.close();
  }

  /** Carries out a request in all tabs. */
  #do(request: TabRequest): void {
    if (!this.#tabs.leads) {
      for (const action of actionsOf(request, this.state)) this.store.apply(action);
    }
    this.#tabs.request(request);
  }

  /** Carries out a request of this tab, or of a foreign one, in the tab with the connection. */
  #perform(request: TabRequest, foreign: boolean): void {
    const wasClosed = request.do === "leave" &&
      this.state.threads.get(request.key)?.closedReason !== undefined;
    const actions = actionsOf(request, this.state);
    // The message is known and on its way.
    if (request.do === "send" && actions.length === 0) return;
    for (const action of actions) {
      const same = foreign ? sharedAction(action) : action;
      if (same !== undefined) this.store.apply(same);
    }
    if (request.do === "nick") this.#requestedName = request.name;
    if (request.do === "quit") {
      void this.#connection.close();
      this.#setConnection({ state: "ended", reason: "You disconnected" });
    } else if (request.do === "send") {
      if (request.pending.error === undefined) this.#connection.send(request.key, request.pending);
    } else if (!wasClosed) this.#connection.perform(request);
  }

  /** Another tab has the connection. */
  #follow({ snapshot, token }: Handover): void {
    this.#connection.drop();
    if (token !== undefined) this.memory.tabToken = token;
    const before = this.state;
    this.store.apply({ type: "adopt", snapshot });
    this.#sendLeftover(before);
    this.#tabs.shareAttention();
  }

  /** The tab that had the connection is gone. This one resumes where it has read. */
  #takeOver(): void {
    this.#tabs.lead();
    const { state } = this.state.connection;
    if (state === "ended" || state === "refused" || state === "replaced") return;
    const positions = this.#saver.positions.positions(this.state, this.memory.rooms);
    this.#connection.connect(this.#options(this.state.me, this.memory.session, positions), true);
  }

  /** Sends pending messages that the tab with the connection does not know. */
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
    const link = linkAfter(error);
    // The session continues in another tab, or in an unknown place.
    if (link.state === "replaced" && await this.#tabs.findLeader()) return;
    this.#tabs.lead();
    this.#setConnection(link);
  }

  #take(told: ClientEvent): void {
    const event = sanitized(told);
    if (event.type === "online") this.memory.session = event.welcome.session;
    const original = told.type === "direct" ? { told } : {};
    this.store.queue({ type: "event", event, ...original, now: Date.now() });
    if (event.type === "joined" && event.room === this.#wantedRoom) {
      this.#wantedRoom = undefined;
      this.store.queue({ type: "show", key: roomKey(event.room) });
    }
    if (event.type === "system" && event.event === "announcement") {
      this.announcements.add(event);
      this.store.touch();
    }
    this.#notify(event);
  }

  /** Plays a sound and shows a notification, if the user is looking elsewhere. */
  #notify(event: ClientEvent): void {
    const alert = alertOf(event, this.state, this.#settings, this.#tabs.attention, isPresent());
    if (alert?.sound) this.notifier.play();
    if (alert?.notification) this.notifier.notify(alert.notice);
  }

  #changed(before: ChatState, actions: readonly Action[]): void {
    if (this.#tabs.leads) {
      this.#tabs.share(actions.flatMap((action) => sharedAction(action) ?? []));
    }
    const { me, current, threads } = this.state;
    if (this.state === before) return;
    const { sender } = this.#connection;
    const name = sender === undefined ? undefined : sanitized(sender);
    if (name !== undefined && name !== me) this.store.queue({ type: "me", name });
    if (me !== undefined && me === this.#requestedName) this.memory.name = me;
    const thread = current === undefined ? undefined : threads.get(current);
    const isOnline = this.state.connection.state === "online";
    if (isOnline && before.connection.state !== "online") this.#connection.sendHeld();
    this.notifier.count(unreadIn(this.state).unread, titleOf(thread));
    if (before.threads !== threads) {
      for (const [from, to] of renamedKeys(before, this.state)) this.memory.drafts.move(from, to);
      const isChanged = thread !== undefined && thread !== before.threads.get(thread.key);
      if (isChanged && this.state.focused) this.#tabs.read(thread.key);
    }
    if (before.threads !== threads || before.current !== current) this.#saver.saveSoon();
  }

  #setConnection(connection: PageConnection): void {
    this.store.apply({ type: "connection", connection });
  }
}

/** Whether the user is at this tab. */
function isPresent(): boolean {
  return document.visibilityState === "visible" && document.hasFocus();
}
