import type { VNode } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { EMOJI, findEmoji } from "../state/emoji.ts";
import { useBack } from "./back.ts";

/** All emoji, searchable by name. The arrow keys move between them; the group is one Tab stop. */
export function EmojiPicker({ onPick, onClose }: {
  readonly onPick: (emoji: string) => void;
  readonly onClose: () => void;
}): VNode {
  const box = useRef<HTMLDivElement>(null);
  const search = useRef<HTMLInputElement>(null);
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const words = query.trim().replaceAll(":", "").replaceAll(" ", "_");
  const found = words === "" ? EMOJI : findEmoji(words, EMOJI.length);

  useLayoutEffect(() => search.current?.focus(), []);
  useBack(true, onClose);

  const buttons = (): HTMLButtonElement[] => [...box.current?.querySelectorAll("button") ?? []];
  const go = (to: number): void => {
    const all = buttons();
    const next = Math.max(0, Math.min(all.length - 1, to));
    setAt(next);
    all[next]?.focus();
    all[next]?.scrollIntoView({ block: "nearest" });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    const { key } = event;
    const searching = event.target === search.current;
    if (key === "Escape") onClose();
    else if (searching && key === "ArrowDown") go(at);
    else if (searching && key === "Enter") {
      const [first] = found;
      if (first !== undefined) onPick(first.emoji);
    } else if (searching) return;
    else if (key === "Home") go(0);
    else if (key === "End") go(Infinity);
    else {
      const step = stepOf(key, columnsOf(buttons()));
      if (step === undefined) return;
      if (at + step < 0) search.current?.focus();
      else go(at + step);
    }
    event.preventDefault();
  };
  return (
    <div
      ref={box}
      class="picker"
      role="group"
      aria-label="Emoji"
      onKeyDown={onKeyDown}
      onFocusOut={({ relatedTarget }) => {
        if (!(relatedTarget instanceof Node && box.current?.contains(relatedTarget))) onClose();
      }}
    >
      <input
        ref={search}
        type="search"
        aria-label="Search emoji"
        placeholder="Search"
        autoComplete="off"
        autoCapitalize="none"
        value={query}
        onInput={({ currentTarget }) => {
          setQuery(currentTarget.value);
          setAt(0);
        }}
      />
      <div class="picker-grid">
        {found.map(({ name, emoji }, index) => (
          <button
            type="button"
            key={name}
            tabIndex={index === at ? 0 : -1}
            title={`:${name}:`}
            aria-label={name.replaceAll("_", " ")}
            onClick={() => onPick(emoji)}
          >
            {emoji}
          </button>
        ))}
      </div>
      {found.length > 0 ? null : <p class="hint" role="status">No emoji found.</p>}
    </div>
  );
}

function stepOf(key: string, columns: number): number | undefined {
  switch (key) {
    case "ArrowLeft":
      return -1;
    case "ArrowRight":
      return 1;
    case "ArrowUp":
      return -columns;
    case "ArrowDown":
      return columns;
  }
  return undefined;
}

/** The number of emoji in the first row. */
function columnsOf(buttons: readonly HTMLElement[]): number {
  const top = buttons[0]?.offsetTop;
  const next = buttons.findIndex(({ offsetTop }) => offsetTop !== top);
  return next < 0 ? Math.max(1, buttons.length) : next;
}
