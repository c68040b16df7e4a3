import type { Direct, Message } from "../protocol.ts";
import { type PresenceSummary, summaryText } from "./presence_summary.ts";
import { note, pageOf, problem, rule, type View } from "./view.ts";
import { mentionFinder, wordFinder } from "./highlight.ts";
import { renderDirectGlance, renderMessage } from "./render.ts";

/** What a window holds, one thing after the other; shown anew whenever the window is. */
export type WindowItem =
  | { readonly kind: "message"; readonly message: Message; readonly mention: boolean }
  /** A private message, in the window of its conversation. */
  | { readonly kind: "direct"; readonly direct: Direct }
  /** The beginning of a private message, in another window. */
  | { readonly kind: "glance"; readonly direct: Direct }
  /** Something of the past that was asked for; `words`: what was searched. */
  | { readonly kind: "past"; readonly message: Message; readonly words?: string }
  | { readonly kind: "presence"; readonly fold: PresenceSummary }
  | { readonly kind: "day"; readonly time: number }
  | { readonly kind: "note"; readonly text: string }
  /** Several rows of the program's own, told at once. */
  | { readonly kind: "page"; readonly rows: readonly string[] }
  | { readonly kind: "problem"; readonly text: string };

/** The line of an item, or its lines, of which those below the first begin with blanks. */
export function renderItem(item: WindowItem, view: View): string {
  switch (item.kind) {
    case "message":
      return renderMessage(
        item.message,
        view,
        item.mention ? mentionFinder(view.self, view.mention ?? "at") : undefined,
      );
    case "direct":
      return renderMessage(item.direct, view);
    case "glance":
      return renderDirectGlance(item.direct, view);
    case "past":
      return renderMessage(
        item.message,
        // Old messages stand between new ones: without a date nobody knew from which day they are.
        view.stamps === "time" ? { ...view, stamps: "dated" } : view,
        item.words === undefined ? undefined : wordFinder(item.words),
      );
    case "presence":
      return note(summaryText(item.fold), view);
    case "day":
      return rule(dayText(item.time), view);
    case "note":
      return note(item.text, view);
    case "page":
      return pageOf(item.rows, view);
    case "problem":
      return problem(item.text, view);
  }
}

/** `Saturday, 31 January 2026`, where the user is. */
export function dayText(time: number): string {
  return new Date(time).toLocaleDateString("en-GB", {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
  });
}

/** When something was said, in milliseconds since 1970; `undefined` for what has no time of its own. */
export function timeOf(item: WindowItem): number | undefined {
  const timestamp = item.kind === "message"
    ? item.message.timestamp
    : item.kind === "direct"
    ? item.direct.timestamp
    : undefined;
  const time = timestamp === undefined ? NaN : Date.parse(timestamp);
  return Number.isNaN(time) ? undefined : time;
}
