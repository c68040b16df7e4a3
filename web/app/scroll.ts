/** Pixels from the end within which the end is what one looks at. */
const AT_END = 60;

/** A message, by its place, and how far below the top of the view it is, in pixels. */
export interface Anchor {
  readonly seq: number;
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
      const { top: from, bottom } = row.getBoundingClientRect();
      if (bottom > top) return { seq: Number(row.dataset["seq"]), offset: from - top };
    }
  }
  return undefined;
}

/** Scrolls so that the message is where `anchor` says; `false` when it is not drawn. */
export function keepAt(view: HTMLElement, { seq, offset }: Anchor): boolean {
  const row = rowAt(view, seq);
  if (row === null) return false;
  const moved = row.getBoundingClientRect().top - view.getBoundingClientRect().top - offset;
  // Fractions of a pixel would creep.
  if (Math.abs(moved) >= 1) view.scrollTop += moved;
  return true;
}

/** The element of the message at `seq`, where it is drawn. */
export function rowAt(view: HTMLElement, seq: number): HTMLElement | null {
  return view.querySelector<HTMLElement>(`[data-seq="${seq}"]`);
}
