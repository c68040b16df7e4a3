import type { MentionRule } from "../chat/mention.ts";
import { displayName } from "../chat/sender.ts";
import { localDate, localTime } from "../chat/time.ts";
import { visible } from "../protocol.ts";
import { type Paint, PLAIN } from "../render/paint.ts";
import { displayWidth, fit } from "../render/width.ts";
import { wrapRows } from "../render/wrap.ts";

/** What a user may ask for. */
export const STAMPS = ["off", "time", "datetime"] as const;

/** What stands before a message: nothing, `[10:30:40]`, or that with the date. */
export type Stamps = (typeof STAMPS)[number];

/** How things are shown. */
export interface View {
  /** The name of the one who looks on. */
  readonly self: string | undefined;
  readonly paint: Paint;
  /** Width of the terminal; absent where there is none to wrap for. */
  readonly columns?: number;
  readonly now: Date;
  /** `dated`: the time, with the date when it is not today's; for output without day lines. */
  readonly stamps: Stamps | "dated";
  /** What is highlighted as a mention; default: `at`. */
  readonly mention?: MentionRule;
  /** What stands behind names that a token proved; absent where names are not marked. */
  readonly verifiedMark?: string;
  /** Whether messages name their room: for output that mixes several. */
  readonly tagged?: boolean;
}

/** Plain lines, for whoever reads a pipe. */
export function plainView(over: Partial<Pick<View, "self" | "tagged" | "stamps">> = {}): View {
  return { self: undefined, paint: PLAIN, now: new Date(), stamps: "dated", ...over };
}

/** Columns of `[10:30:40] `: further lines of a message begin below its name. */
const STAMP_WIDTH = 11;

/** Blanks before all lines of a message but the first. */
export function indentOf({ stamps }: View): number {
  return stamps === "off" ? 2 : STAMP_WIDTH;
}

/** A line of the program's own: `* …`. Whatever is quoted in it is made harmless. */
export function note(text: string, view: View): string {
  return view.paint.dim(layOut("* ", visible(text), 2, view));
}

/** Rows of the program's own that were asked for, the first with a mark: `* …`. */
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
  // One column stays free: some terminals go on to the next row when the last is written.
  return paint.dim(title + "─".repeat(Math.max(0, columns - 1 - displayWidth(title))));
}

/** `[10:30:40] ` in local time, as the view wants it; may be empty. */
export function stamp(timestamp: string, { stamps, paint, now }: View): string {
  if (stamps === "off") return "";
  return paint.dim(`[${clockTime(timestamp, now, stamps)}]`) + " ";
}

/** The local time of a message as `stamps` wants it, `dated` unless it says so. */
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

/** A name as it is shown: harmless, and never so long that it leaves its row. */
export function shownName(name: string, { columns, verifiedMark }: View): string {
  // Where some names are marked, none may look as if it were.
  const shown = verifiedMark === undefined ? visible(name) : displayName(name);
  return columns === undefined ? shown : fit(shown, Math.max(8, columns - STAMP_WIDTH - 8));
}

/** What stands behind the name of a sender: a mark if a token proved it. */
export function markOf(
  { verified }: { readonly verified?: true },
  { verifiedMark = "", paint }: View,
): string {
  return verified === true ? paint.dim(verifiedMark) : "";
}

/**
 * The lines of `text` after `head`, wrapped; those below the first begin with `indent` blanks, so
 * that none of them can look like another's.
 *
 * @param decorate paints what is in a row; after the wrapping, which counts bare columns.
 */
export function layOut(
  head: string,
  text: string,
  indent: number,
  { columns }: View,
  decorate: (row: string) => string = (row) => row,
): string {
  const blanks = " ".repeat(indent);
  // Blank lines in great number would push away what others said.
  const lines = text.replaceAll(/\n(?:[ \t]*\n){2,}/g, "\n\n").split("\n");
  if (columns === undefined) return head + lines.map(decorate).join(`\n${blanks}`);
  // Room enough for a word even on a narrow terminal.
  const width = Math.max(10, columns - indent);
  return head + lines
    .flatMap((line, at) => {
      const taken = at === 0 ? displayWidth(head) - indent : 0;
      return wrapRows(line.replaceAll("\t", "    "), width, taken);
    })
    .map(decorate)
    .join(`\n${blanks}`);
}
