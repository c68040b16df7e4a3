import { MENTION_RULES } from "../../chat/mention.ts";
import type { ThreadKey } from "./types.ts";

/** What each setting can be; the first is what it is unless changed. */
export const CHOICES = {
  theme: ["system", "light", "dark"],
  times: ["exact", "relative", "off"],
  /** `on`: for what comes where the user does not look. */
  sounds: ["off", "on", "always"],
  notifications: ["off", "on"],
  comings: ["on", "off"],
  mention: MENTION_RULES,
  /** What Enter does; `auto`: it sends, but on touch screens begins a new line. */
  enter: ["auto", "send", "newline"],
} as const;

/** Which messages of a thread are told of. */
export const LEVELS = ["all", "mentions", "off"] as const;

/** One of {@linkcode LEVELS}. */
export type Level = (typeof LEVELS)[number];

/** The choices by name. */
export type Choices = { readonly [K in keyof typeof CHOICES]: (typeof CHOICES)[K][number] };

/** What the person wants; remembered by the browser. */
export interface WebSettings extends Choices {
  /** By thread, where it is not `all`. */
  readonly levels: Readonly<Partial<Record<ThreadKey, Level>>>;
}

/** What is remembered, whatever that is, as settings: what makes no sense is as if never set. */
export function readSettings(value: unknown): WebSettings {
  const known: Record<string, unknown> = isRecord(value) ? value : {};
  const pick = <K extends keyof Choices>(key: K): Choices[K] => {
    const choices: readonly unknown[] = CHOICES[key];
    return (choices.includes(known[key]) ? known[key] : CHOICES[key][0]) as Choices[K];
  };
  const levels = isRecord(known["levels"]) ? known["levels"] : {};
  return {
    theme: pick("theme"),
    times: pick("times"),
    sounds: pick("sounds"),
    notifications: pick("notifications"),
    comings: pick("comings"),
    mention: pick("mention"),
    enter: pick("enter"),
    levels: Object.fromEntries(
      Object.entries(levels).filter(([key, level]) =>
        /^[#@]/.test(key) && (LEVELS as readonly unknown[]).includes(level)
      ),
    ) as WebSettings["levels"],
  };
}

/** Which messages of `key` are told of. */
export function levelOf({ levels }: WebSettings, key: ThreadKey): Level {
  return levels[key] ?? LEVELS[0];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
