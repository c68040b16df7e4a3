import type { MentionRule } from "../chat/mention.ts";
import { displayName, isVerified } from "../chat/sender.ts";
import { localDate, localTime } from "../chat/time.ts";
import { visible } from "../protocol.ts";
import { type Paint, PLAIN } from "../render/paint.ts";
import { displayWidth, fit } from "../render/width.ts";
import { wrapRows } from "../render/wrap.ts";

/** The choices for times before messages. */
export const STAMPS = ["off", "time", "datetime"] as const;

/** Nothing, `[10:30:40]`, or that with the date. */
export type Stamps = (typeof STAMPS)[number];

/** How messages and notes are rendered. */
export interface View {
  /** The user's name. */
  readonly self: string | undefined;
  readonly paint: Paint;
  /** Width of the terminal; absent for output that is not wrapped. */
  readonly columns?: number;
  readonly now: Date;
  /** `dated`: the time, with the date unless it is today; for output without day lines. */
  readonly stamps: Stamps | "dated";
  /** The mentions that are highlighted (default: `at`). */
  readonly mention?: MentionRule;
  /** The mark behind names that a token proved; absent if names are not marked. */
  readonly verifiedMark?: string;
  /** Whether messages name their room, for output that mixes several. */
  readonly tagged?: boolean;
}

/** Plain lines, for pipes. */
export function plainView(over: Partial<Pick<View, "self" | "tagged" | "stamps">> = {}): View {
  return { self: undefined, paint: PLAIN, now: new Date(), stamps: "dated", ...over };
}

/** Columns of `[10:30:40] `. Further lines of a message begin below its name. */
const STAMP_WIDTH = 11;

/** Spaces before all lines of a message but the first. */
export function indentOf({ stamps }: View): number {
  return stamps === "off" ? 2 : STAMP_WIDTH;
}

/** A line of the program: `* …`. Text quoted in it is made harmless. */
export function note(text: string, view: View): string {
  return view.paint.dim(layOut("* ", visible(text), 2, view));
}

/** Several rows of the program, the first marked `* …`. */
export function pageOf(rows: readonly string[], view: View): string {
  const lines = rows.map((row) => visible(row)).join("\n");
  return layOut("* ", lines, 2, view);
}

/** A line about something that went wrong: `! …`. */
export function problem(text: string, view: View): string {
  return view.paint.problem(layOut("! ", visible(text), 2, view));
}

/** A line right across: `── Friday, 30 January 2026 ──────`. */
export function rule(text: string, view: View): string {
  const { columns = 80, paint } = view;
  const title = fit(`── ${visible(text)} `, columns - 1);
  // Some terminals wrap when the last column is written, so it stays free.
  return paint.dim(title + "─".repeat(Math.max(0, columns - 1 - displayWidth(title))));
}

/** `[10:30:40] ` in local time; empty if times are off. */
export function stamp(timestamp: string, { stamps, paint, now }: View): string {
  if (stamps === "off") return "";
  return paint.dim(`[${clockTime(timestamp, now, stamps)}]`) + " ";
}

/** The local time of a message. */
export function clockTime(
  timestamp: string,
  now: Date,
  stamps: Exclude<View["stamps"], "off"> = "dated",
): string {
  const time = new Date(timestamp);
  if (Number.isNaN(time.getTime())) return visible(timestamp.slice(0, 30));
  const dated = stamps === "datetime" ||
    (stamps === "dated" && time.toDateString() !== now.toDateString());
  return dated ? `${localDate(time)} ${localTime(time)}` : localTime(time);
}

/** A name made harmless, and no longer than a row. */
export function shownName(name: string, { columns, verifiedMark }: View): string {
  // If some names are marked, the others must not look marked.
  const shown = verifiedMark === undefined ? visible(name) : displayName(name);
  return columns === undefined ? shown : fit(shown, Math.max(8, columns - STAMP_WIDTH - 8));
}

/** The mark behind the name of a sender that a token proved. */
export function markOf(
  said: { readonly sender: string; readonly account?: string },
  { verifiedMark = "", paint }: View,
): string {
  return isVerified(said) ? paint.dim(verifiedMark) : "";
}

/**
 * The lines of `text` after `head`, wrapped. Those below the first are indented, so that none looks
 * like another person's message.
 *
 * @param decorate paints a row, after wrapping, which counts bare columns.
 */
export function layOut(
  head: string,
  text: string,
  indent: number,
  { columns }: View,
  decorate: (row: string) => string = (row) => row,
): string {
  const blanks = " ".repeat(indent);
  // Many blank lines would push away the messages of others.
  const lines = text.replaceAll(/\n(?:[ \t]*\n){2,}/g, "\n\n").split("\n");
  if (columns === undefined) return head + lines.map(decorate).join(`\n${blanks}`);
  // Even a narrow terminal must hold a word.
  const width = Math.max(10, columns - indent);
  return head + lines
    .flatMap((line, at) => {
      const taken = at === 0 ? displayWidth(head) - indent : 0;
      return wrapRows(line.replaceAll("\t", "    "), width, taken);
    })
    .map(decorate)
    .join(`\n${blanks}`);
}

/** Terminals (`TERM`) whose fonts often lack symbols. */
const PLAIN_TERMINALS: readonly string[] = ["", "dumb", "linux"];

/** Whether a terminal may lack symbols such as check marks: by its kind, or its locale. */
export function lacksSymbols(env: (name: string) => string | undefined): boolean {
  if (PLAIN_TERMINALS.includes(env("TERM") ?? "")) return true;
  // The first one that is set counts (POSIX, section 8.2). Without any, UTF-8 is usual.
  const locale = ["LC_ALL", "LC_CTYPE", "LANG"].map(env).find((value) => (value ?? "") !== "");
  return locale !== undefined && !/utf-?8/i.test(locale);
}
