/** Storage for all visits, or for the tab only. */
export type StorageArea = "local" | "session";

/** The browser's storage. If there is none, reads find nothing. */
export class BrowserStorage {
  constructor(private readonly prefix: string) {}

  read(where: StorageArea, key: string): unknown {
    try {
      return JSON.parse(storage(where).getItem(this.prefix + key) ?? "null") ?? undefined;
    } catch {
      // There is no storage, or another program wrote the value.
      return undefined;
    }
  }

  /** Reads an object; an empty one if there is none. */
  readObject(area: StorageArea, key: string): Readonly<Record<string, unknown>> {
    const value = this.read(area, key);
    return typeof value === "object" && value !== null ? { ...value } : {};
  }

  /** Stores a value; `undefined` removes it. */
  write(where: StorageArea, key: string, value: unknown): void {
    try {
      if (value === undefined) storage(where).removeItem(this.prefix + key);
      else storage(where).setItem(this.prefix + key, JSON.stringify(value));
    } catch {
      // The storage is full, or there is none. The page works without.
    }
  }

  /** The keys that begin with `start`, without it. */
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
