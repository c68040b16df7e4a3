export type RoomAccess = "none" | "read" | "read-write";

/** Patterns per token: far more than needed, and few enough to try for each room. */
const MAX_PATTERNS = 256;

/** Rooms whose access is cached: more than most connections join. */
const CACHED_ROOMS = 64;

const PATTERN = /^[a-z0-9._*-]{1,64}$/;

const ACCESS: readonly string[] = ["none", "read", "read-write"] satisfies readonly RoomAccess[];

interface Rule {
  readonly pattern: string;
  readonly access: RoomAccess;
}

/** Access by room. Immutable. Checked for every message, so the answer for a room is cached. */
export class Rights {
  /** Full access to all rooms. */
  static readonly all = new Rights(undefined);

  /** Most specific first; `undefined`: no limits. */
  readonly #rules: readonly Rule[] | undefined;
  readonly #cache = new Map<string, RoomAccess>();

  private constructor(rules: readonly Rule[] | undefined) {
    this.#rules = rules;
  }

  /**
   * Parses `{"ops-*": "read", "lobby": "read-write"}`. Rooms that match no pattern are closed. If
   * several match, the most specific decides: the one with the most characters other than `*`, then
   * a plain name before a pattern, then the one that permits less.
   *
   * Returns `undefined` for anything else: a misunderstood value must not grant access.
   */
  static parse(value: unknown): Rights | undefined {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const rules: Rule[] = [];
    for (const [pattern, access] of Object.entries(value)) {
      if (!isRoomPattern(pattern) || !isAccess(access)) return undefined;
      rules.push({ pattern, access });
    }
    if (rules.length > MAX_PATTERNS) return undefined;
    return new Rights(rules.sort(bySpecificity));
  }

  /** Whether all rooms are open, for requests that are not about one room. */
  get unlimited(): boolean {
    return this.#rules === undefined;
  }

  /** The readable rooms that are listed without `*`. */
  get named(): readonly string[] {
    return (this.#rules ?? [])
      .filter(({ pattern, access }) => access !== "none" && !pattern.includes("*"))
      .map(({ pattern }) => pattern);
  }

  /** Whether a client may join `room` and see its history and members. */
  mayRead(room: string): boolean {
    return this.#rules === undefined || this.#access(room, this.#rules) !== "none";
  }

  mayWrite(room: string): boolean {
    return this.#rules === undefined || this.#access(room, this.#rules) === "read-write";
  }

  #access(room: string, rules: readonly Rule[]): RoomAccess {
    const cached = this.#cache.get(room);
    if (cached !== undefined) return cached;
    const access = rules.find(({ pattern }) => matches(pattern, room))?.access ?? "none";
    // Clients choose the names, so the cache must not grow with them.
    if (this.#cache.size >= CACHED_ROOMS) this.#cache.clear();
    this.#cache.set(room, access);
    return access;
  }
}

/** Whether `text` is a room name, possibly with `*` in it. */
export function isRoomPattern(text: string): boolean {
  return PATTERN.test(text);
}

export function isAccess(value: unknown): value is RoomAccess {
  return typeof value === "string" && ACCESS.includes(value);
}

/** Matches in linear time: after a mismatch, only the latest `*` is tried again. */
function matches(pattern: string, room: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  for (let index = 0; index < room.length;) {
    if (pattern[at] === "*") {
      star = at++;
      resume = index;
    } else if (pattern[at] === room[index]) {
      at++;
      index++;
    } else if (star >= 0) {
      at = star + 1;
      index = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}

function bySpecificity(a: Rule, b: Rule): number {
  const stars = (rule: Rule): number => rule.pattern.split("*").length - 1;
  const letters = (rule: Rule): number => rule.pattern.length - stars(rule);
  return letters(b) - letters(a) || stars(a) - stars(b) ||
    ACCESS.indexOf(a.access) - ACCESS.indexOf(b.access);
}
