import { type System, visible } from "../../protocol.ts";
import type { BrowserStorage } from "./browser_storage.ts";

/** Announcements that are kept. The oldest are dropped. */
const MAX_KEPT = 20;

/** A message of the hub's operator. */
export interface Announcement {
  readonly id: string;
  readonly text: string;
  /** Milliseconds since the Unix epoch, by the hub's clock. */
  readonly at: number;
  /** The room that it is for; absent: all. */
  readonly room?: string | undefined;
}

/** Announcements. They stay until the user dismisses them, in all tabs and through reloads. */
export class Announcements {
  #all: readonly Announcement[] = [];

  constructor(private readonly kept: BrowserStorage) {
    this.refresh();
  }

  /** Announcements that are not dismissed, the oldest first. */
  get all(): readonly Announcement[] {
    return this.#all;
  }

  /** Another tab may have added or dismissed one. */
  refresh(): void {
    const all = this.kept.read("local", KEY);
    this.#all = Array.isArray(all) ? all.filter(isAnnouncement) : [];
  }

  add({ message, timestamp, room }: System): void {
    const announcement: Announcement = {
      id: `${timestamp} ${message}`,
      text: visible(message, { keepLines: true }),
      at: Date.parse(timestamp),
      room,
    };
    const others = this.#all.filter(({ id }) => id !== announcement.id);
    this.#keep([...others, announcement].slice(-MAX_KEPT));
  }

  dismiss(id: string): void {
    this.#keep(this.#all.filter((each) => each.id !== id));
  }

  #keep(all: readonly Announcement[]): void {
    this.#all = all;
    this.kept.write("local", KEY, all.length === 0 ? undefined : all);
  }
}

const KEY = "announcements";

function isAnnouncement(value: unknown): value is Announcement {
  if (typeof value !== "object" || value === null) return false;
  const { id, text, at, room } = value as Record<string, unknown>;
  return typeof id === "string" && typeof text === "string" && typeof at === "number" &&
    (room === undefined || typeof room === "string");
}
