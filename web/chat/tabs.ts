import type { Attention } from "../state/notices.ts";
import { delay } from "../../lib/async.ts";
import type { LoadPage } from "../../client/history.ts";
import type { Action } from "../state/actions.ts";
import type { Snapshot, ThreadKey, UnsentMessage } from "../state/types.ts";
import type { RoomPosition } from "../../protocol.ts";

/** Milliseconds that the leader has to answer a new tab. */
const SEEK_TIMEOUT = 250;

/** Milliseconds between checks whether the leader is alive. */
const WATCH_PERIOD = 2000;

/** Milliseconds without an answer after which the leader counts as crashed or frozen. */
const ANSWER_TIMEOUT = 3000;

/** Milliseconds over which the tabs spread that want to replace a closed leader. */
const ELECTION_SPREAD = 100;

/** A request that only the leader can carry out. */
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
  | { readonly do: "typing"; readonly room: string; readonly active: boolean }
  | { readonly do: "wake" | "quit" };

/** A question for the hub. */
export type TabQuestion =
  | {
    readonly ask: "history";
    readonly room: string;
    readonly query: Parameters<LoadPage>[0];
  }
  | { readonly ask: "members"; readonly room: string };

/** The state for a tab that follows the leader. */
export interface Handover {
  readonly snapshot: Snapshot;
  /** A token that is stored for tabs only. */
  readonly token: string | undefined;
}

type TabMessageBody =
  | { readonly type: "seek" | "here" | "lead" | "bye" | "ping" | "pong" }
  | { readonly type: "state"; readonly handover: Handover }
  | { readonly type: "actions"; readonly actions: readonly Action[] }
  | { readonly type: "order"; readonly order: TabRequest }
  | { readonly type: "question"; readonly id: number; readonly question: TabQuestion }
  | { readonly type: "answer"; readonly id: number; readonly value?: unknown; error?: string }
  | { readonly type: "read"; readonly key: ThreadKey }
  | { readonly type: "attention"; readonly attention: Attention };

type TabMessage = TabMessageBody & {
  /** Identifies the loaded page. */
  readonly from: string;
  /** The name in the browser's storage, which a duplicated tab shares. */
  readonly tab: string;
  readonly to?: string;
};

interface OtherTab {
  readonly tab: string;
  readonly attention: Attention;
  /** When the user last looked there, in milliseconds since 1970. */
  readonly at: number;
}

/** Receives the messages of other tabs. */
export interface TabsListener {
  handover(): Handover;
  /** Another tab has the connection. */
  follow(handover: Handover): void;
  /** The leader is gone. This tab takes its place. */
  takeOver(): void;
  /** Another tab has taken the connection. */
  yield(): void;
  actions(actions: readonly Action[]): void;
  /** @param foreign whether another tab made the request. */
  request(order: TabRequest, foreign: boolean): void;
  attention(): Attention;
  answer(question: TabQuestion): Promise<unknown>;
  read(key: ThreadKey): void;
}

/**
 * The tabs of one person in one browser. One of them, the leader, has the connection; the others
 * apply its actions and send through it. If two tabs want to lead, the hub decides: they share a
 * session, which the newer connection takes from the older one (4502).
 */
export class Tabs {
  readonly #channel: BroadcastChannel | undefined;
  /** The id of the leader, if known. */
  #leader: string | undefined;
  readonly #id = randomId();
  readonly #others = new Map<string, OtherTab>();
  readonly #questions = new Map<number, PromiseWithResolvers<unknown>>();
  /** Requests from before the leader was known. */
  #held: TabRequest[] = [];
  #asked = 0;
  #seeking: PromiseWithResolvers<boolean> | undefined;
  #probe: ReturnType<typeof setTimeout> | undefined;
  /** Whether the chat has started in this tab. Before, it ignores the others. */
  #started = false;

  /**
   * @param name the name that the tabs of one person share.
   * @param tab returns the name in the browser's storage.
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

  /** The names of the other open tabs. This takes a moment. */
  async openTabs(): Promise<ReadonlySet<string>> {
    this.#say({ type: "seek" });
    await delay(SEEK_TIMEOUT);
    return new Set(Array.from(this.#others.values(), ({ tab }) => tab));
  }

  /** The user's latest attention in other tabs. */
  get attention(): readonly Attention[] {
    const since = Date.now() - 3 * WATCH_PERIOD;
    return [...this.#others.values()].filter(({ at }) => at > since)
      .map(({ attention }) => attention);
  }

  /** Whether another tab leads. By then, this one follows it. */
  findLeader(): Promise<boolean> {
    this.#started = true;
    if (this.#channel === undefined) return Promise.resolve(false);
    this.#leader = undefined;
    const seeking = this.#seeking ??= Promise.withResolvers<boolean>();
    this.#say({ type: "seek" });
    setTimeout(() => {
      // A tab that has just become the leader is about to send its state.
      if (this.#leader === undefined) this.#found(seeking, false);
      else setTimeout(() => this.#found(seeking, false), SEEK_TIMEOUT);
    }, SEEK_TIMEOUT);
    return seeking.promise;
  }

  /** Makes this tab the leader. */
  lead(): void {
    this.#leader = this.#id;
    this.#say({ type: "lead" });
    this.#release();
  }

  /** This tab is closing. */
  close(): void {
    this.#say({ type: "bye" });
  }

  /** Has the leader carry out a request. */
  request(request: TabRequest): void {
    if (this.leads) this.listener.request(request, false);
    else if (this.#leader === undefined) this.#held.push(request);
    else this.#say({ type: "order", order: request }, this.#leader);
  }

  /** Asks the hub through the leader. */
  ask(question: TabQuestion): Promise<unknown> {
    if (this.leads || this.#leader === undefined) return this.listener.answer(question);
    const id = ++this.#asked;
    const answer = Promise.withResolvers<unknown>();
    this.#questions.set(id, answer);
    this.#say({ type: "question", id, question }, this.#leader);
    return answer.promise;
  }

  /** Sends actions to the other tabs. */
  share(actions: readonly Action[]): void {
    if (actions.length > 0 && this.#others.size > 0) this.#say({ type: "actions", actions });
  }

  /** Tells the other tabs that a thread was read. */
  read(key: ThreadKey): void {
    if (this.#others.size > 0) this.#say({ type: "read", key });
  }

  /** Tells the other tabs what the user is looking at. */
  shareAttention(): void {
    if (this.#others.size === 0) return;
    this.#say({ type: "attention", attention: this.listener.attention() });
  }

  /** Checks whether the leader is alive, and replaces it if not. */
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
    // Repeated, because the attention of a crashed tab expires.
    this.shareAttention();
  }

  #take(message: TabMessage): void {
    const { from, tab } = message;
    if (message.type === "bye") return this.#left(from);
    const attention = { key: undefined, present: false };
    this.#others.set(from, { attention, at: 0, ...this.#others.get(from), tab });
    switch (message.type) {
      case "seek":
        if (this.leads) this.#say({ type: "state", handover: this.listener.handover() }, from);
        else this.#say({ type: "here" }, from);
        return;
      case "state":
        // This tab has become the leader since, which the other learns next.
        if (this.leads) return;
        this.#leader = from;
        this.#answered();
        this.listener.follow(message.handover);
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
        return from === this.#leader ? this.listener.actions(message.actions) : undefined;
      case "order":
        return this.leads ? this.listener.request(message.order, true) : undefined;
      case "question":
        return this.leads ? void this.#reply(message.id, message.question, from) : undefined;
      case "answer":
        return this.#resolve(message);
      case "read":
        return this.listener.read(message.key);
      case "attention":
        this.#others.set(from, { tab, attention: message.attention, at: Date.now() });
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

  /** Rejects the open questions. */
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
    for (const request of held) this.request(request);
  }

  #say(body: TabMessageBody, to?: string): void {
    const message = { ...body, from: this.#id, tab: this.tab() };
    this.#channel?.postMessage(to === undefined ? message : { ...message, to });
  }
}

/** A unique id. */
export function randomId(): string {
  // `crypto.randomUUID()` needs an encrypted connection.
  return crypto.getRandomValues(new Uint8Array(12))
    .reduce((text, byte) => text + byte.toString(16).padStart(2, "0"), "");
}
