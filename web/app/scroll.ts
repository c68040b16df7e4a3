/** Pixels from the end within which the end is what one looks at. */
const AT_END = 60;

/** A message, by its place, and how far below the top of the view an edge of it is, in pixels. */
export interface Anchor {
  readonly seq: number;
  readonly edge: "top" | "bottom";
  readonly offset: number;
}

/** Whether the end of `view` is seen. */
export function isAtEnd(view: HTMLElement): boolean {
  return view.scrollHeight - view.scrollTop - view.clientHeight < AT_END;
}

/** The first message that is seen, at least in part. */
export function firstSeen(view: HTMLElement): Anchor | undefined {
  const top = view.getBoundingClientRect().top;
  for (const chunk of view.querySelectorAll(".chunk")) {
    if (chunk.getBoundingClientRect().bottom <= top) continue;
    for (const row of chunk.querySelectorAll<HTMLElement>("[data-seq]")) {
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

/** Scrolls so that the message is where the anchor says; `false` when it is not drawn. */
export function keepAt(view: HTMLElement, { seq, edge, offset }: Anchor): boolean {
  const row = rowAt(view, seq);
  if (row === null) return false;
  const moved = row.getBoundingClientRect()[edge] - view.getBoundingClientRect().top - offset;
  // Fractions of a pixel would creep.
  if (Math.abs(moved) >= 1) view.scrollTop += moved;
  return true;
}

/** The element of the message at `seq`, where it is drawn. */
export function rowAt(view: HTMLElement, seq: number): HTMLElement | null {
  return view.querySelector<HTMLElement>(`[data-seq="${seq}"]`);
}
