import type { VNode } from "preact";

const PATHS = {
  menu: "M4 7h16M4 12h16M4 17h16",
  people:
    "M16 20v-1.5a3.5 3.5 0 0 0-3.5-3.5h-5A3.5 3.5 0 0 0 4 18.5V20M10 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M20 20v-1.5a3.5 3.5 0 0 0-2.6-3.4M15.5 4.7a3.5 3.5 0 0 1 0 6.6",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14M20 20l-4-4",
  settings: "M4 7h9M17 7h3M4 12h3M11 12h9M4 17h9M17 17h3M15 5v4M9 10v4M15 15v4",
  more:
    "M3.9 12a1.1 1.1 0 1 0 2.2 0 1.1 1.1 0 1 0-2.2 0M10.9 12a1.1 1.1 0 1 0 2.2 0 1.1 1.1 0 1 0-2.2 0M17.9 12a1.1 1.1 0 1 0 2.2 0 1.1 1.1 0 1 0-2.2 0",
  send: "M4.5 12h13M12 5.5l6.5 6.5-6.5 6.5",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  down: "M12 5v13M6.5 12.5L12 18l5.5-5.5",
  copy: "M9 9h10v11H9zM6 15H5V4h10v2",
  check: "M5 12.5l4.5 4.5L19 7.5",
  verified: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M8 12.4l2.8 2.8L16 9.6",
  clock: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16M12 8v4.5l3 1.5",
  warning: "M12 4l9 16H3zM12 10v4.5M12 17.4v.1",
  help:
    "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M9.6 9.3a2.5 2.5 0 0 1 4.9.7c0 1.7-2.5 2-2.5 3.7M12 16.8v.1",
  smile: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M8.5 14.2a4.2 4.2 0 0 0 7 0M9 9.6v.1M15 9.6v.1",
  edit: "M5 19h4L19.5 8.5a2 2 0 0 0-4-4L5 15z",
  quote:
    "M9.5 7H6a1 1 0 0 0-1 1v4h4.5v1.5A3.5 3.5 0 0 1 6 17M19 7h-3.5a1 1 0 0 0-1 1v4H19v1.5a3.5 3.5 0 0 1-3.5 3.5",
} as const;

/** The name of an icon. */
export type IconName = keyof typeof PATHS;

/** A small picture that repeats the text beside it, hidden from screen readers. */
export function Icon({ name }: { readonly name: IconName }): VNode {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** A button with a picture and a label for screen readers. */
export function IconButton({ icon, label, onClick, pressed, keepFocus, class: more = "" }: {
  readonly icon: IconName;
  readonly label: string;
  readonly onClick: () => void;
  readonly pressed?: boolean;
  /** Whether a click leaves the focus where it is. */
  readonly keepFocus?: boolean;
  readonly class?: string;
}): VNode {
  return (
    <button
      type="button"
      class={`icon-button ${more}`}
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      onMouseDown={keepFocus === true ? (event) => event.preventDefault() : undefined}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
