import { isRoomName, nameKey } from "../../protocol.ts";
import { readSettings, type WebSettings } from "../state/settings.ts";
import type { ChatMessage, ReadMarker, ThreadKey, UnsentMessage } from "../state/types.ts";
import { BrowserStorage, type StorageArea } from "./browser_storage.ts";
import { Drafts } from "./drafts.ts";

/** Private messages of a conversation that a tab keeps through a reload. The hub keeps none. */
const MAX_DIRECTS = 200;

/** A scroll position: the message at the top of the view. */
export interface SavedPosition {
  readonly id: number;
  /** Pixels from the top of the view to the lower edge of the message. */
  readonly offset: number;
}

/** A private conversation as a tab keeps it. */
export interface SavedDirect {
  readonly name: string;
  readonly said: readonly ChatMessage[];
  /** The number of messages at the end that the user has not seen. */
  readonly unread?: number;
}

/** The state of a tab that survives a reload. */
export interface TabMemory {
  readonly session?: string | undefined;
  readonly name?: string | undefined;
  readonly rooms: readonly string[];
  readonly current?: ThreadKey | undefined;
  readonly directs: readonly SavedDirect[];
  readonly pending: Readonly<Partial<Record<ThreadKey, readonly UnsentMessage[]>>>;
  readonly places: Readonly<Partial<Record<ThreadKey, SavedPosition & ReadMarker>>>;
}

const NOTHING: TabMemory = { rooms: [], directs: [], pending: {}, places: {} };

/**
 * The browser's storage for this page: some for the tab, some for all visits. If the browser stores
 * nothing (private windows, settings), the page works without.
 */
export class SavedState {
  readonly kept: BrowserStorage;
  readonly drafts: Drafts;
  /** The owner of the tab: empty for the user of this browser, else another name. */
  readonly person: string;

  /**
   * @param path the path of the page, which separates hubs behind one proxy.
   * @param asked the name in the page's address. If it is not the user's, the tab is another
   * person's.
   */
  constructor(path: string, asked?: string) {
    this.kept = new BrowserStorage(`bcast ${path} `);
    this.drafts = new Drafts(this.kept);
    this.person = this.#personOf(asked);
  }

  get name(): string | undefined {
    return this.#text("local", this.#own("name"));
  }

  set name(name: string | undefined) {
    this.kept.write("local", this.#own("name"), name);
  }

  /** The session, which all tabs of the person share. */
  get session(): string | undefined {
    return this.#text("local", this.#own("session")) ?? this.tab.session;
  }

  set session(session: string | undefined) {
    this.kept.write("local", this.#own("session"), session);
  }

  get settings(): WebSettings {
    return readSettings(this.kept.read("local", "settings"));
  }

  /** Changes some settings, and keeps those that other tabs have changed. */
  changeSettings(change: Partial<WebSettings>): void {
    this.kept.write("local", "settings", { ...this.settings, ...change });
  }

  get rooms(): readonly string[] {
    const rooms = this.kept.read("local", this.#own("rooms"));
    return Array.isArray(rooms) ? rooms.filter((room) => isRoomName(String(room))) : [];
  }

  set rooms(rooms: readonly string[]) {
    this.kept.write("local", this.#own("rooms"), rooms);
  }

  get readMarkers(): ReadonlyMap<string, ReadMarker> {
    const markers = this.kept.readObject("local", this.#own("marks"));
    return new Map(Object.entries(markers as Record<string, ReadMarker>));
  }

  set readMarkers(markers: ReadonlyMap<string, ReadMarker>) {
    this.kept.write("local", this.#own("marks"), Object.fromEntries(markers));
  }

  get tab(): TabMemory {
    return { ...NOTHING, ...this.kept.readObject("session", "tab") };
  }

  set tab(tab: TabMemory) {
    const directs = tab.directs.map((each) => ({ ...each, said: each.said.slice(-MAX_DIRECTS) }));
    this.kept.write("session", "tab", { ...tab, directs });
  }

  /** The token of the tab, or of the browser. */
  get token(): string | undefined {
    return this.tabToken ?? this.#text("local", "token");
  }

  /** The token that is stored for the tab only. */
  get tabToken(): string | undefined {
    return this.#text("session", "token");
  }

  set tabToken(token: string | undefined) {
    this.kept.write("session", "token", token);
  }

  /** Stores a token for this tab only, or for the browser. */
  keepToken(token: string | undefined, where: "tab" | "browser"): void {
    this.tabToken = where === "tab" ? token : undefined;
    this.kept.write("local", "token", where === "browser" ? token : undefined);
  }

  /** The tab keeps its person through reloads, even if that person is renamed. */
  #personOf(asked: string | undefined): string {
    const known = this.kept.readObject("session", "person");
    if (typeof known["person"] === "string" && known["asked"] === asked) return known["person"];
    const own = this.#text("local", "name");
    const isOther = asked !== undefined && own !== undefined && nameKey(own) !== nameKey(asked);
    const person = isOther ? nameKey(asked) : "";
    this.kept.write("session", "person", { person, asked });
    return person;
  }

  #text(area: StorageArea, key: string): string | undefined {
    const value = this.kept.read(area, key);
    return typeof value === "string" ? value : undefined;
  }

  #own(key: string): string {
    return this.person === "" ? key : `${key} of ${this.person}`;
  }
}
