import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { normalizeName } from "../../protocol.ts";
import { NameField } from "./dialogs.tsx";
import { iconAddress } from "./sidebar.tsx";

/** The first visit: asks for a name. */
export function Welcome({ rooms, onEnter }: {
  readonly rooms: readonly string[];
  readonly onEnter: (name: string | undefined) => void;
}): VNode {
  const [name, setName] = useState("");
  const valid = normalizeName(name);
  const where = rooms.length === 0 ? "" : ` in ${rooms.map((room) => `#${room}`).join(", ")}`;
  return (
    <main class="welcome">
      <form
        class="card stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (valid !== undefined) onEnter(valid);
        }}
      >
        <img src={iconAddress()} alt="" width="72" height="72" />
        <h1>Hello!</h1>
        <p>What should people call you{where}?</p>
        <NameField name={name} onInput={setName} />
        <button class="primary" type="submit" disabled={valid === undefined}>Start chatting</button>
        <button class="link" type="button" onClick={() => onEnter(undefined)}>
          Just look around as a guest
        </button>
      </form>
    </main>
  );
}
