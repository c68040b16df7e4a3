import type { Direct, Message } from "../protocol.ts";
import { type PresenceSummary, summaryText } from "../chat/presence.ts";
import { note, pageOf, problem, rule, type View } from "./view.ts";
import { mentionFinder, wordFinder } from "./highlight.ts";
import { renderDirectPreview, renderMessage } from "./render.ts";

/** An entry of a window, rendered anew whenever the window is shown. */
export type WindowItem =
  | { readonly kind: "message"; readonly message: Message; readonly mention: boolean }
  /** A private message, in its own window. */
  | { readonly kind: "direct"; readonly direct: Direct }
  /** The beginning of a private message, in another window. */
  | { readonly kind: "preview"; readonly direct: Direct }
  /** A result of `/history`, `/older` or `/search`; `words`: the search. */
  | { readonly kind: "past"; readonly message: Message; readonly words?: string | undefined }
  | { readonly kind: "presence"; readonly summary: PresenceSummary }
  | { readonly kind: "day"; readonly time: number }
  | { readonly kind: "note"; readonly text: string }
  /** Rows of the program itself. */
  | { readonly kind: "page"; readonly rows: readonly string[] }
  | { readonly kind: "problem"; readonly text: string };

/** The lines of an item. All but the first are indented. */
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
    case "preview":
      return renderDirectPreview(item.direct, view);
    case "past":
      return renderMessage(
        item.message,
        // Old messages stand between new ones, so they need a date.
        view.stamps === "time" ? { ...view, stamps: "dated" } : view,
        item.words === undefined ? undefined : wordFinder(item.words),
      );
    case "presence":
      return note(summaryText(item.summary), view);
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

/** `Saturday, 31 January 2026`, in local time. */
function dayText(time: number): string {
  return new Date(time).toLocaleDateString("en-GB", {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
  });
}

/** The time of a message in milliseconds since 1970; `undefined` for other items. */
export function timeOf(item: WindowItem): number | undefined {
  const timestamp = item.kind === "message"
    ? item.message.timestamp
    : item.kind === "direct"
    ? item.direct.timestamp
    : undefined;
  const time = timestamp === undefined ? NaN : Date.parse(timestamp);
  return Number.isNaN(time) ? undefined : time;
}
