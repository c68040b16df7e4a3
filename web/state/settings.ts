import { MENTION_RULES } from "../../chat/mention.ts";
import type { ThreadKey } from "./types.ts";

/** The choices of each setting; the first is the default. */
export const CHOICES = {
  theme: ["system", "light", "dark"],
  times: ["exact", "relative", "off"],
  /** `on`: for messages that the user is not looking at. */
  sounds: ["off", "on", "always"],
  notifications: ["off", "on"],
  comings: ["on", "off"],
  mention: MENTION_RULES,
  /** The effect of Enter; `auto`: it sends, except on touch screens. */
  enter: ["auto", "send", "newline"],
} as const;

/** The messages of a thread that cause notifications. */
export const LEVELS = ["all", "mentions", "off"] as const;

/** One of {@linkcode LEVELS}. */
export type Level = (typeof LEVELS)[number];

/** The choices by name. */
export type Choices = { readonly [K in keyof typeof CHOICES]: (typeof CHOICES)[K][number] };

/** The settings of the user, which the browser stores. */
export interface WebSettings extends Choices {
  /** Levels by thread, if not `all`. */
  readonly levels: Readonly<Partial<Record<ThreadKey, Level>>>;
}

/** Parses stored settings. Invalid ones have their defaults. */
export function readSettings(value: unknown): WebSettings {
  const known: Record<string, unknown> = isRecord(value) ? value : {};
  const choices = Object.entries(CHOICES).map(([name, all]) => {
    return [name, (all as readonly unknown[]).includes(known[name]) ? known[name] : all[0]];
  });
  const levels = isRecord(known["levels"]) ? known["levels"] : {};
  return {
    ...Object.fromEntries(choices) as Choices,
    levels: Object.fromEntries(
      Object.entries(levels).filter(([key, level]) =>
        /^[#@]/.test(key) && (LEVELS as readonly unknown[]).includes(level)
      ),
    ) as WebSettings["levels"],
  };
}

export function levelOf({ levels }: WebSettings, key: ThreadKey): Level {
  return levels[key] ?? LEVELS[0];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
