import type { ComponentChildren, VNode } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { useBack } from "./back.ts";
import { IconButton } from "./icons.tsx";

/** A dialog over the page: Escape, the cross and a click beside it close it. */
export function Dialog({ title, onClose, wide = false, children }: {
  readonly title: string;
  readonly onClose: () => void;
  readonly wide?: boolean;
  readonly children: ComponentChildren;
}): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const gone = useRef(false);
  const id = useId();
  useBack(true, () => dialog.current?.close());
  // At once: what is typed next is meant for the window. Closing it gives the focus back.
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => {
      gone.current = true;
      element?.close();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={wide ? "wide" : ""}
      aria-labelledby={id}
      onClose={() => {
        // The event comes late: by then, another window may be open.
        if (!gone.current) onClose();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) dialog.current?.close();
      }}
    >
      <div class="dialog-inner">
        <header>
          <h2 id={id} dir="auto">{title}</h2>
          <IconButton icon="close" label="Close" onClick={() => dialog.current?.close()} />
        </header>
        {children}
      </div>
    </dialog>
  );
}

/** A choice of one: a row of buttons of which one is pressed. */
export function Segments<T extends string>({ label, choices, value, onChange, names }: {
  readonly label: string;
  readonly choices: readonly T[];
  readonly value: T;
  readonly onChange: (value: T) => void;
  readonly names?: Readonly<Partial<Record<T, string>>>;
}): VNode {
  const group = useId();
  return (
    <fieldset class="segments">
      <legend>{label}</legend>
      <div>
        {choices.map((choice) => (
          <label key={choice}>
            <input
              type="radio"
              name={group}
              value={choice}
              checked={choice === value}
              onChange={() => onChange(choice)}
            />
            <span>{names?.[choice] ?? choice.charAt(0).toUpperCase() + choice.slice(1)}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
