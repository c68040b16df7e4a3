import { isRoomName } from "../../protocol.ts";
import { readSettings, type Settings } from "../state/settings.ts";
import type { Mark, Pending, Said, ThreadKey } from "../state/types.ts";

/** Private messages that a tab keeps through a reload, in each conversation: the hub has none. */
const MAX_DIRECTS = 200;

/** Where somebody was reading: the message at the top of the view. */
export interface Place {
  readonly id: number;
  /** Pixels from the top of the view to the lower edge of the message. */
  readonly offset: number;
}

/** A private conversation as a tab keeps it. */
export interface SavedDirect {
  readonly name: string;
  readonly said: readonly Said[];
}

/** What a tab remembers through a reload. */
export interface TabMemory {
  readonly session?: string;
  readonly name?: string;
  readonly rooms: readonly string[];
  readonly current?: ThreadKey;
  readonly directs: readonly SavedDirect[];
  readonly pending: Readonly<Partial<Record<ThreadKey, readonly Pending[]>>>;
  readonly places: Readonly<Partial<Record<ThreadKey, Place & Mark>>>;
}

const NOTHING: TabMemory = { rooms: [], directs: [], pending: {}, places: {} };

/**
 * What the browser keeps for this page: some for the tab, some for all visits. Where it keeps
 * nothing (private windows, settings), neither does the page, and works.
 */
export class BrowserMemory {
  readonly #prefix: string;

  /** @param path where the page is: hubs behind one proxy do not share. */
  constructor(path: string) {
    this.#prefix = `bcast ${path} `;
  }

  get name(): string | undefined {
    const name = this.#read("local", "name");
    return typeof name === "string" ? name : undefined;
  }

  set name(name: string | undefined) {
    this.#write("local", "name", name);
  }

  get settings(): Settings {
    return readSettings(this.#read("local", "settings"));
  }

  set settings(settings: Settings) {
    this.#write("local", "settings", settings);
  }

  get rooms(): readonly string[] {
    const rooms = this.#read("local", "rooms");
    return Array.isArray(rooms) ? rooms.filter((room) => isRoomName(String(room))) : [];
  }

  set rooms(rooms: readonly string[]) {
    this.#write("local", "rooms", rooms);
  }

  get marks(): ReadonlyMap<string, Mark> {
    const marks = this.#read("local", "marks");
    return new Map(typeof marks === "object" && marks !== null ? Object.entries(marks) : []);
  }

  set marks(marks: ReadonlyMap<string, Mark>) {
    this.#write("local", "marks", Object.fromEntries(marks));
  }

  get tab(): TabMemory {
    const tab = this.#read("session", "tab");
    return typeof tab === "object" && tab !== null ? { ...NOTHING, ...tab } : NOTHING;
  }

  set tab(tab: TabMemory) {
    const directs = tab.directs.map((each) => ({ ...each, said: each.said.slice(-MAX_DIRECTS) }));
    this.#write("session", "tab", { ...tab, directs });
  }

  get token(): string | undefined {
    const token = this.#read("session", "token") ?? this.#read("local", "token");
    return typeof token === "string" ? token : undefined;
  }

  /** Keeps a token: for this tab, or until it is forgotten. */
  keepToken(token: string | undefined, where: "tab" | "browser"): void {
    this.#write("session", "token", where === "tab" ? token : undefined);
    this.#write("local", "token", where === "browser" ? token : undefined);
  }

  draft(key: ThreadKey): string {
    const draft = this.#read("local", `draft ${key}`);
    return typeof draft === "string" ? draft : "";
  }

  keepDraft(key: ThreadKey, text: string): void {
    this.#write("local", `draft ${key}`, text === "" ? undefined : text);
  }

  /** A thread has another key: the other person has another name. */
  moveDraft(from: ThreadKey, to: ThreadKey): void {
    const text = this.draft(from);
    if (text === "") return;
    this.keepDraft(to, text);
    this.keepDraft(from, "");
  }

  #read(where: "local" | "session", key: string): unknown {
    try {
      return JSON.parse(storage(where).getItem(this.#prefix + key) ?? "null") ?? undefined;
    } catch {
      // No storage, or something else's.
      return undefined;
    }
  }

  #write(where: "local" | "session", key: string, value: unknown): void {
    try {
      if (value === undefined) storage(where).removeItem(this.#prefix + key);
      else storage(where).setItem(this.#prefix + key, JSON.stringify(value));
    } catch {
      // Full, or none: what cannot be kept is not.
    }
  }
}

function storage(where: "local" | "session"): Storage {
  return where === "local" ? localStorage : sessionStorage;
}
