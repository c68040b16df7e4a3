import { delay } from "../../lib/async.ts";
import type { Action } from "../state/reduce.ts";
import type { Snapshot } from "../state/tab_sync.ts";
import type { ThreadKey, UnsentMessage } from "../state/types.ts";
import type { RoomPosition } from "../../protocol.ts";

/** Milliseconds that the tab with the connection has to answer one that has just opened. */
const SEEK_TIMEOUT = 250;

/** Milliseconds between two looks whether the tab with the connection is still there. */
const WATCH_PERIOD = 2000;

/** Milliseconds without an answer after which that tab counts as crashed or frozen. */
const ANSWER_TIMEOUT = 3000;

/** Milliseconds over which tabs spread that want to follow a tab that was closed. */
const ELECTION_SPREAD = 100;

/** Something to do that only the tab with the connection can do. */
export type TabRequest =
  | {
    readonly do: "send";
    readonly key: ThreadKey;
    readonly name: string;
    readonly pending: UnsentMessage;
  }
  | { readonly do: "discard"; readonly key: ThreadKey; readonly ref: string }
  | { readonly do: "begin"; readonly key: ThreadKey; readonly name: string }
  | { readonly do: "join"; readonly position: RoomPosition }
  | { readonly do: "leave" | "trust"; readonly key: ThreadKey }
  | { readonly do: "nick"; readonly name: string }
  | { readonly do: "typing"; readonly room: string; readonly typing: boolean }
  | { readonly do: "wake" | "quit" };

/** Something to ask of the hub. */
export type TabQuestion =
  | {
    readonly ask: "history";
    readonly room: string;
    readonly query: {
      readonly before?: number;
      readonly after?: number;
      readonly limit?: number;
      readonly query?: string;
    };
  }
  | { readonly ask: "who"; readonly room: string };

/** What a tab that takes over needs beside what it shows. */
export interface Handover {
  readonly snapshot: Snapshot;
  /** A token that is kept for tabs only. */
  readonly token: string | undefined;
}

/** Where somebody looks. */
export interface Attention {
  /** The thread whose end is looked at. */
  readonly key: ThreadKey | undefined;
  /** Whether the tab is visible and has the focus. */
  readonly present: boolean;
}

type Word =
  | { readonly type: "seek" | "here" | "lead" | "bye" | "ping" | "pong" }
  | { readonly type: "state"; readonly handover: Handover }
  | { readonly type: "actions"; readonly actions: readonly Action[] }
  | { readonly type: "order"; readonly order: TabRequest }
  | { readonly type: "question"; readonly id: number; readonly question: TabQuestion }
  | { readonly type: "answer"; readonly id: number; readonly value?: unknown; error?: string }
  | { readonly type: "read"; readonly key: ThreadKey }
  | { readonly type: "attention"; readonly attention: Attention };

type TabMessage = Word & {
  /** One life of a page. */
  readonly from: string;
  /** What the browser keeps for the tab; a duplicated tab has it from the first one. */
  readonly tab: string;
  readonly to?: string;
};

interface OtherTab {
  readonly tab: string;
  readonly attention: Attention;
  /** When the user last looked there, in milliseconds since the Unix epoch. */
  readonly at: number;
}

/** What the tab does when the others say something. */
export interface TabsListener {
  handover(): Handover;
  /** Another tab has the connection, and this is what it knows. */
  follow(handover: Handover): void;
  /** The tab with the connection is gone: this one takes its place. */
  takeOver(): void;
  /** Another tab has taken the connection. */
  yield(): void;
  actions(actions: readonly Action[]): void;
  /** @param foreign whether another tab gives it. */
  request(order: TabRequest, foreign: boolean): void;
  attention(): Attention;
  answer(question: TabQuestion): Promise<unknown>;
  read(key: ThreadKey): void;
}

/**
 * The tabs of one person in one browser. One of them, the leader, has the connection; the others do
 * what it does, and have it send. The hub decides who leads when two want to: they share a session,
 * which the newer connection takes from the older one (4502).
 */
export class Tabs {
  readonly #channel: BroadcastChannel | undefined;
  /** Leads: its own id; knows of none: `undefined`. */
  #leader: string | undefined;
  readonly #id = randomId();
  readonly #others = new Map<string, OtherTab>();
  readonly #questions = new Map<number, PromiseWithResolvers<unknown>>();
  /** Orders from before it was known who leads. */
  #held: TabRequest[] = [];
  #asked = 0;
  #seeking: PromiseWithResolvers<boolean> | undefined;
  #probe: ReturnType<typeof setTimeout> | undefined;
  /** Whether the user talks in this tab: before, it takes no part. */
  #started = false;

  /**
   * @param name what the tabs of one person have in common.
   * @param tab what the browser keeps for this tab.
   */
  constructor(
    name: string,
    private readonly tab: () => string,
    private readonly listener: TabsListener,
  ) {
    this.#channel = typeof BroadcastChannel === "undefined"
      ? undefined
      : new BroadcastChannel(name);
    this.#channel?.addEventListener("message", ({ data }: MessageEvent<TabMessage>) => {
      const forMe = data.from !== this.#id && (data.to ?? this.#id) === this.#id;
      if (forMe && this.#started) this.#take(data);
    });
    setInterval(() => this.#watch(), WATCH_PERIOD);
  }

  /** Whether this tab has the connection. */
  get leads(): boolean {
    return this.#leader === this.#id;
  }

  /** What the browser keeps for the other tabs that are open; takes a moment. */
  async openTabs(): Promise<ReadonlySet<string>> {
    this.#say({ type: "seek" });
    await delay(SEEK_TIMEOUT);
    return new Set(Array.from(this.#others.values(), ({ tab }) => tab));
  }

  /** Where the user looked in other tabs within the last moments. */
  get attention(): readonly Attention[] {
    const since = Date.now() - 3 * WATCH_PERIOD;
    return [...this.#others.values()].filter(({ at }) => at > since)
      .map(({ attention }) => attention);
  }

  /** Whether another tab leads; by then, it has told what it knows. */
  findLeader(): Promise<boolean> {
    this.#started = true;
    if (this.#channel === undefined) return Promise.resolve(false);
    this.#leader = undefined;
    const seeking = this.#seeking ??= Promise.withResolvers<boolean>();
    this.#say({ type: "seek" });
    setTimeout(() => {
      // One that has begun to lead meanwhile is about to tell what it knows.
      if (this.#leader === undefined) this.#found(seeking, false);
      else setTimeout(() => this.#found(seeking, false), SEEK_TIMEOUT);
    }, SEEK_TIMEOUT);
    return seeking.promise;
  }

  /** From now on, this tab has the connection. */
  lead(): void {
    this.#leader = this.#id;
    this.#say({ type: "lead" });
    this.#release();
  }

  /** This tab is closed. */
  close(): void {
    this.#say({ type: "bye" });
  }

  /** Has `order` carried out. */
  request(order: TabRequest): void {
    if (this.leads) this.listener.request(order, false);
    else if (this.#leader === undefined) this.#held.push(order);
    else this.#say({ type: "order", order }, this.#leader);
  }

  /** Asks the hub, through whoever has the connection. */
  ask(question: TabQuestion): Promise<unknown> {
    if (this.leads || this.#leader === undefined) return this.listener.answer(question);
    const id = ++this.#asked;
    const answer = Promise.withResolvers<unknown>();
    this.#questions.set(id, answer);
    this.#say({ type: "question", id, question }, this.#leader);
    return answer.promise;
  }

  /** Tells the others what was done, if there are any. */
  share(actions: readonly Action[]): void {
    if (actions.length > 0 && this.#others.size > 0) this.#say({ type: "actions", actions });
  }

  /** Tells the others that everything in `key` was read. */
  read(key: ThreadKey): void {
    if (this.#others.size > 0) this.#say({ type: "read", key });
  }

  /** Tells the others where the user looks now. */
  shareAttention(): void {
    if (this.#others.size === 0) return;
    this.#say({ type: "attention", attention: this.listener.attention() });
  }

  /** Finds out soon whether the tab with the connection is still there. */
  probe(): void {
    if (this.leads || this.#leader === undefined || this.#probe !== undefined) return;
    this.#probe = setTimeout(() => {
      this.#probe = undefined;
      if (!this.leads) this.listener.takeOver();
    }, ANSWER_TIMEOUT);
    this.#say({ type: "ping" }, this.#leader);
  }

  #watch(): void {
    if (document.visibilityState !== "visible") return;
    this.probe();
    // Again and again: what a tab said that has crashed since must not count.
    this.shareAttention();
  }

  #take(letter: TabMessage): void {
    const { from, tab } = letter;
    if (letter.type === "bye") return this.#left(from);
    const attention = { key: undefined, present: false };
    this.#others.set(from, { attention, at: 0, ...this.#others.get(from), tab });
    switch (letter.type) {
      case "seek":
        if (this.leads) this.#say({ type: "state", handover: this.listener.handover() }, from);
        else this.#say({ type: "here" }, from);
        return;
      case "state":
        // Asked for before this tab took the connection, which the other one learns next.
        if (this.leads) return;
        this.#leader = from;
        this.#answered();
        this.listener.follow(letter.handover);
        this.#found(this.#seeking, true);
        return this.#release();
      case "lead": {
        const led = this.leads;
        this.#leader = from;
        this.#answered();
        if (led) this.listener.yield();
        this.#fail("Another tab has the connection now: try again");
        return this.#say({ type: "seek" }, from);
      }
      case "ping":
        return this.leads ? this.#say({ type: "pong" }, from) : undefined;
      case "pong":
        return from === this.#leader ? this.#answered() : undefined;
      case "actions":
        return from === this.#leader ? this.listener.actions(letter.actions) : undefined;
      case "order":
        return this.leads ? this.listener.request(letter.order, true) : undefined;
      case "question":
        return this.leads ? void this.#reply(letter.id, letter.question, from) : undefined;
      case "answer":
        return this.#resolve(letter);
      case "read":
        return this.listener.read(letter.key);
      case "attention":
        this.#others.set(from, { tab, attention: letter.attention, at: Date.now() });
    }
  }

  #left(tab: string): void {
    this.#others.delete(tab);
    if (tab !== this.#leader) return;
    this.#leader = undefined;
    this.#answered();
    this.#fail("The other tab was closed: try again");
    setTimeout(() => {
      if (this.#leader === undefined) this.listener.takeOver();
    }, Math.random() * ELECTION_SPREAD);
  }

  async #reply(id: number, question: TabQuestion, to: string): Promise<void> {
    try {
      this.#say({ type: "answer", id, value: await this.listener.answer(question) }, to);
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      this.#say({ type: "answer", id, error: words }, to);
    }
  }

  #resolve({ id, value, error }: Extract<TabMessage, { type: "answer" }>): void {
    const question = this.#questions.get(id);
    this.#questions.delete(id);
    if (error === undefined) question?.resolve(value);
    else question?.reject(new Error(error));
  }

  /** Nobody is going to answer what was asked. */
  #fail(why: string): void {
    for (const { reject } of this.#questions.values()) reject(new Error(why));
    this.#questions.clear();
  }

  #answered(): void {
    clearTimeout(this.#probe);
    this.#probe = undefined;
  }

  #found(seeking: PromiseWithResolvers<boolean> | undefined, found: boolean): void {
    if (seeking === undefined || seeking !== this.#seeking) return;
    this.#seeking = undefined;
    seeking.resolve(found);
  }

  #release(): void {
    const held = this.#held;
    this.#held = [];
    for (const order of held) this.request(order);
  }

  #say(word: Word, to?: string): void {
    const letter = { ...word, from: this.#id, tab: this.tab() };
    this.#channel?.postMessage(to === undefined ? letter : { ...letter, to });
  }
}

/** An id that nothing else has. */
export function randomId(): string {
  // `crypto.randomUUID()` is there over encrypted connections only.
  return crypto.getRandomValues(new Uint8Array(12))
    .reduce((text, byte) => text + byte.toString(16).padStart(2, "0"), "");
}
