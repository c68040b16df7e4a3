/** An action of a key that works anywhere on the page. */
export type Shortcut = "help" | "join" | "search" | "previous" | "next" | "latest";

/** The shortcut of `event`; `undefined` for keys that have none. */
export function shortcutOf(event: KeyboardEvent): Shortcut | undefined {
  const { key, ctrlKey, metaKey, altKey, shiftKey, target, isComposing, defaultPrevented } = event;
  if (isComposing || defaultPrevented) return undefined;
  const command = ctrlKey || metaKey;
  if (command && !altKey) {
    if (key === "/") return "help";
    if (key.toLowerCase() === "k" && !shiftKey) return "join";
    return key.toLowerCase() === "f" && shiftKey ? "search" : undefined;
  }
  if (altKey && key === "ArrowUp") return "previous";
  if (altKey && key === "ArrowDown") return "next";
  if (altKey) return undefined;
  if (key === "Escape") return "latest";
  return key === "?" && !isWriting(target) ? "help" : undefined;
}

function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea");
}
