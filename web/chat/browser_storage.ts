/** For all visits, or for the tab alone. */
export type StorageArea = "local" | "session";

/** Values that the browser keeps. Where it keeps nothing, reading finds nothing. */
export class BrowserStorage {
  constructor(private readonly prefix: string) {}

  read(where: StorageArea, key: string): unknown {
    try {
      return JSON.parse(storage(where).getItem(this.prefix + key) ?? "null") ?? undefined;
    } catch {
      // No storage, or something else's.
      return undefined;
    }
  }

  /** Keeps `value`; `undefined` removes it. */
  write(where: StorageArea, key: string, value: unknown): void {
    try {
      if (value === undefined) storage(where).removeItem(this.prefix + key);
      else storage(where).setItem(this.prefix + key, JSON.stringify(value));
    } catch {
      // Full, or none: what cannot be kept is not.
    }
  }

  /** The rest of every key that begins with `start`. */
  keys(where: StorageArea, start: string): readonly string[] {
    try {
      const begin = this.prefix + start;
      return Object.keys(storage(where)).filter((key) => key.startsWith(begin))
        .map((key) => key.slice(begin.length));
    } catch {
      return [];
    }
  }
}

function storage(where: StorageArea): Storage {
  return where === "local" ? localStorage : sessionStorage;
}
