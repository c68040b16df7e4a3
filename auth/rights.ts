/** What somebody may do in a room. */
export type RoomAccess = "none" | "read" | "read-write";

/** Patterns in one token: far above any real list, and few enough to look through for each room. */
export const MAX_PATTERNS = 256;

/** Rooms whose access is remembered: more than one connection may be in. */
const REMEMBERED_ROOMS = 64;

/** A room name in which `*` stands for any number of characters. */
const PATTERN = /^[a-z0-9._*-]{1,64}$/;

const ACCESS: readonly string[] = ["none", "read", "read-write"] satisfies readonly RoomAccess[];

interface Rule {
  readonly pattern: string;
  readonly access: RoomAccess;
}

/**
 * Who may do what, by room. Immutable; asked for every message of a limited token, so the answer
 * for a room is looked up once and remembered.
 */
export class Rights {
  /** Everything, everywhere. */
  static readonly all = new Rights(undefined);

  /** From the most specific to the least. */
  readonly #rules: readonly Rule[] | undefined;
  readonly #known = new Map<string, RoomAccess>();

  private constructor(rules: readonly Rule[] | undefined) {
    this.#rules = rules;
  }

  /**
   * Reads `{"ops-*": "read", "lobby": "read-write"}`. A room that no pattern fits is closed; where
   * several fit, the most specific decides: the one with the most characters beside `*`, of those a
   * plain name before a pattern, of those the one that permits less.
   *
   * Returns `undefined` for anything else: what is not understood must not let anybody in.
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

  /** Whether nothing is closed: for what is not about one room. */
  get unlimited(): boolean {
    return this.#rules === undefined;
  }

  /** The readable rooms that are named without `*`. */
  get named(): readonly string[] {
    return (this.#rules ?? [])
      .filter(({ pattern, access }) => access !== "none" && !pattern.includes("*"))
      .map(({ pattern }) => pattern);
  }

  /** Whether `room` may be joined, and its history and members be seen. */
  mayRead(room: string): boolean {
    return this.#rules === undefined || this.#of(room, this.#rules) !== "none";
  }

  /** Whether one may speak in `room`. */
  mayWrite(room: string): boolean {
    return this.#rules === undefined || this.#of(room, this.#rules) === "read-write";
  }

  #of(room: string, rules: readonly Rule[]): RoomAccess {
    const known = this.#known.get(room);
    if (known !== undefined) return known;
    const access = rules.find(({ pattern }) => fits(pattern, room))?.access ?? "none";
    // Names come from strangers: what is remembered must not grow with what they ask for.
    if (this.#known.size >= REMEMBERED_ROOMS) this.#known.clear();
    this.#known.set(room, access);
    return access;
  }
}

/** Whether `text` is a room name, or one with `*` in it. */
export function isRoomPattern(text: string): boolean {
  return PATTERN.test(text);
}

/** Whether `value` is one of {@linkcode RoomAccess}. */
export function isAccess(value: unknown): value is RoomAccess {
  return typeof value === "string" && ACCESS.includes(value);
}

/**
 * Whether `room` is what `pattern` says. Goes back to the latest `*` only, so that no pattern costs
 * more than its length times the room's.
 */
function fits(pattern: string, room: string): boolean {
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
