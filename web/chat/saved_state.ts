import { isRoomName, nameKey } from "../../protocol.ts";
import { readSettings, type WebSettings } from "../state/settings.ts";
import type { ChatMessage, ReadMarker, ThreadKey, UnsentMessage } from "../state/types.ts";
import { Drafts } from "./drafts.ts";
import { BrowserStorage } from "./browser_storage.ts";

/** Private messages that a tab keeps through a reload, in each conversation: the hub has none. */
const MAX_DIRECTS = 200;

/** Where somebody was reading: the message at the top of the view. */
export interface SavedPosition {
  readonly id: number;
  /** Pixels from the top of the view to the lower edge of the message. */
  readonly offset: number;
}

/** A private conversation as a tab keeps it. */
export interface SavedDirect {
  readonly name: string;
  readonly said: readonly ChatMessage[];
  /** How many of them, at the end, nobody has looked at; none where nothing is said. */
  readonly unread?: number;
}

/** What a tab remembers through a reload. */
export interface TabMemory {
  readonly session?: string;
  readonly name?: string;
  readonly rooms: readonly string[];
  readonly current?: ThreadKey;
  readonly directs: readonly SavedDirect[];
  readonly pending: Readonly<Partial<Record<ThreadKey, readonly UnsentMessage[]>>>;
  readonly places: Readonly<Partial<Record<ThreadKey, SavedPosition & ReadMarker>>>;
}

const NOTHING: TabMemory = { rooms: [], directs: [], pending: {}, places: {} };

/**
 * What the browser keeps for this page: some for the tab, some for all visits. Where it keeps
 * nothing (private windows, settings), neither does the page, and works.
 */
export class SavedState {
  readonly kept: BrowserStorage;
  readonly drafts: Drafts;
  /** Whom the tab belongs to: empty for the user of this browser, a name for somebody else. */
  readonly person: string;

  /**
   * @param path where the page is: hubs behind one proxy do not share.
   * @param asked the name in the page's address: another one than the user's makes the tab
   * somebody else's.
   */
  constructor(path: string, asked?: string) {
    this.kept = new BrowserStorage(`bcast ${path} `);
    this.drafts = new Drafts(this.kept);
    this.person = this.#personOf(asked);
  }

  get name(): string | undefined {
    const name = this.kept.read("local", this.#own("name"));
    return typeof name === "string" ? name : undefined;
  }

  set name(name: string | undefined) {
    this.kept.write("local", this.#own("name"), name);
  }

  /** The session of the person, which all their tabs share. */
  get session(): string | undefined {
    const session = this.kept.read("local", this.#own("session"));
    return typeof session === "string" ? session : this.tab.session;
  }

  set session(session: string | undefined) {
    this.kept.write("local", this.#own("session"), session);
  }

  get settings(): WebSettings {
    return readSettings(this.kept.read("local", "settings"));
  }

  /** Changes some settings; what other tabs have changed meanwhile stays. */
  changeSettings(change: Partial<WebSettings>): WebSettings {
    const settings = { ...this.settings, ...change };
    this.kept.write("local", "settings", settings);
    return settings;
  }

  get rooms(): readonly string[] {
    const rooms = this.kept.read("local", this.#own("rooms"));
    return Array.isArray(rooms) ? rooms.filter((room) => isRoomName(String(room))) : [];
  }

  set rooms(rooms: readonly string[]) {
    this.kept.write("local", this.#own("rooms"), rooms);
  }

  get marks(): ReadonlyMap<string, ReadMarker> {
    const marks = this.kept.read("local", this.#own("marks"));
    return new Map(typeof marks === "object" && marks !== null ? Object.entries(marks) : []);
  }

  set marks(marks: ReadonlyMap<string, ReadMarker>) {
    this.kept.write("local", this.#own("marks"), Object.fromEntries(marks));
  }

  get tab(): TabMemory {
    const tab = this.kept.read("session", "tab");
    return typeof tab === "object" && tab !== null ? { ...NOTHING, ...tab } : NOTHING;
  }

  set tab(tab: TabMemory) {
    const directs = tab.directs.map((each) => ({ ...each, said: each.said.slice(-MAX_DIRECTS) }));
    this.kept.write("session", "tab", { ...tab, directs });
  }

  /** A token that is kept for the tab, or for the browser. */
  get token(): string | undefined {
    const kept = this.tabToken ?? this.kept.read("local", "token");
    return typeof kept === "string" ? kept : undefined;
  }

  /** A token that is kept for the tab alone. */
  get tabToken(): string | undefined {
    const token = this.kept.read("session", "token");
    return typeof token === "string" ? token : undefined;
  }

  set tabToken(token: string | undefined) {
    this.kept.write("session", "token", token);
  }

  /** Keeps a token: for this tab, or until it is forgotten. */
  keepToken(token: string | undefined, where: "tab" | "browser"): void {
    this.tabToken = where === "tab" ? token : undefined;
    this.kept.write("local", "token", where === "browser" ? token : undefined);
  }

  /** The tab stays the same person's through reloads, whatever they are called by then. */
  #personOf(asked: string | undefined): string {
    const known = this.kept.read("session", "person");
    if (isPerson(known) && known.asked === asked) return known.person;
    const own = this.kept.read("local", "name");
    const other = asked !== undefined && typeof own === "string" && nameKey(own) !== nameKey(asked);
    const person = other ? nameKey(asked) : "";
    this.kept.write("session", "person", { person, asked });
    return person;
  }

  #own(key: string): string {
    return this.person === "" ? key : `${key} of ${this.person}`;
  }
}

function isPerson(value: unknown): value is { person: string; asked?: string } {
  return typeof value === "object" && value !== null && "person" in value &&
    typeof value.person === "string";
}
