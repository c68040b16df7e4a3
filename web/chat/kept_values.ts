/** For all visits, or for the tab alone. */
export type Where = "local" | "session";

/** Values that the browser keeps. Where it keeps nothing, reading finds nothing. */
export class KeptValues {
  constructor(private readonly prefix: string) {}

  read(where: Where, key: string): unknown {
    try {
      return JSON.parse(storage(where).getItem(this.prefix + key) ?? "null") ?? undefined;
    } catch {
      // No storage, or something else's.
      return undefined;
    }
  }

  /** Keeps `value`; `undefined` removes it. */
  write(where: Where, key: string, value: unknown): void {
    try {
      if (value === undefined) storage(where).removeItem(this.prefix + key);
      else storage(where).setItem(this.prefix + key, JSON.stringify(value));
    } catch {
      // Full, or none: what cannot be kept is not.
    }
  }

  /** The rest of every key that begins with `start`. */
  keys(where: Where, start: string): readonly string[] {
    try {
      const begin = this.prefix + start;
      return Object.keys(storage(where)).filter((key) => key.startsWith(begin))
        .map((key) => key.slice(begin.length));
    } catch {
      return [];
    }
  }
}

function storage(where: Where): Storage {
  return where === "local" ? localStorage : sessionStorage;
}
