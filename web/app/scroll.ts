/** Pixels from the end within which the view counts as at the end: less than the lowest message. */
const AT_END = 24;

/** The part of the height of the view at which a target is shown: the first new message, a hit. */
export const SHOWN_AT = 0.3;

/** A message by its position, and the distance of one of its edges from the top of the view, in pixels. */
export interface Anchor {
  readonly seq: number;
  readonly edge: "top" | "bottom";
  readonly offset: number;
}

/** Whether the end of `view` is visible. */
export function isAtEnd(view: HTMLElement): boolean {
  return view.scrollHeight - view.scrollTop - view.clientHeight < AT_END;
}

/** The first message that is at least partly visible; with `rows`, the first of those. */
export function firstSeen(view: HTMLElement, rows = "[data-seq]"): Anchor | undefined {
  const top = view.getBoundingClientRect().top;
  for (const chunk of view.querySelectorAll(".chunk")) {
    if (chunk.getBoundingClientRect().bottom <= top) continue;
    for (const row of chunk.querySelectorAll<HTMLElement>(rows)) {
      const { bottom } = row.getBoundingClientRect();
      // By its lower edge: a message that begins a group no more, because older ones came before
      // it, is less high than it was.
      if (bottom > top) {
        return { seq: Number(row.dataset["seq"]), edge: "bottom", offset: bottom - top };
      }
    }
  }
  return undefined;
}

/** Scrolls the message back to the anchor; `false` if the message is not rendered. */
export function keepAt(view: HTMLElement, { seq, edge, offset }: Anchor): boolean {
  const row = rowAt(view, seq);
  if (row === null) return false;
  const moved = row.getBoundingClientRect()[edge] - view.getBoundingClientRect().top - offset;
  // Fractions of a pixel would creep.
  if (Math.abs(moved) >= 1) view.scrollTop += moved;
  return true;
}

/** Scrolls to the end. */
export function showEnd(view: HTMLElement): void {
  view.scrollTop = view.scrollHeight;
}

/**
 * Scrolls to the end, but not so far that the line above the new messages leaves its place; to the
 * top where the message at `newFrom`, which the line belongs to, is no longer in the page.
 */
export function showNew(view: HTMLElement, newFrom: number): void {
  showEnd(view);
  const line = view.querySelector(".new-line");
  if (line === null) {
    if (rowAt(view, newFrom) === null) view.scrollTop = 0;
    return;
  }
  const at = line.getBoundingClientRect().top - view.getBoundingClientRect().top;
  view.scrollTop -= Math.max(0, view.clientHeight * SHOWN_AT - at);
}

/** The element of the message at `seq`, if it is rendered. */
export function rowAt(view: HTMLElement, seq: number): HTMLElement | null {
  return view.querySelector<HTMLElement>(`[data-seq="${seq}"]`);
}
