import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Chat } from "../chat/chat.ts";
import { wordsIn } from "../state/items.ts";
import { shownReason } from "../state/shown.ts";
import type { NewSaid } from "../state/types.ts";
import { wordsOf } from "../text/highlight.ts";
import { Dialog } from "./dialog.tsx";
import { RichText } from "./rich_text.tsx";
import { moment } from "./time.tsx";

/** Milliseconds without a key after which is searched. */
const PAUSE = 200;

type Found =
  | { readonly state: "none" | "searching" }
  | { readonly state: "failed"; readonly why: string }
  | { readonly state: "found"; readonly messages: readonly NewSaid[]; readonly more: boolean };

/** Searches what the hub keeps of a room. */
export function SearchDialog({ chat, room, begin, onClose, onGo }: {
  readonly chat: Chat;
  readonly room: string;
  readonly begin: string;
  readonly onClose: () => void;
  readonly onGo: (id: number) => void;
}): VNode {
  const [query, setQuery] = useState(begin);
  const [found, setFound] = useState<Found>({ state: "none" });
  const words = wordsOf(query);

  useEffect(() => {
    if (words.length === 0) {
      setFound({ state: "none" });
      return;
    }
    let over = false;
    const timer = setTimeout(async () => {
      setFound({ state: "searching" });
      try {
        const page = await chat.past.search(room, searched(query));
        if (!over) setFound({ state: "found", ...page });
      } catch (error) {
        if (!over) setFound({ state: "failed", why: shownReason(error) });
      }
    }, PAUSE);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [query, room]);

  const more = async (): Promise<void> => {
    if (found.state !== "found") return;
    const page = await chat.past.search(room, searched(query), found.messages.at(-1)?.id);
    setFound({ ...page, state: "found", messages: [...found.messages, ...page.messages] });
  };

  return (
    <Dialog title={`Search #${room}`} onClose={onClose} wide>
      <label class="field">
        <span>Words</span>
        <input
          // Not the type "search": there, Escape empties it instead of closing the window.
          role="searchbox"
          enterkeyhint="search"
          value={query}
          autoFocus
          autoComplete="off"
          maxLength={256}
          onInput={({ currentTarget }) => setQuery(currentTarget.value)}
        />
      </label>
      <p class="hint" role="status">{summary(found)}</p>
      {found.state !== "found" ? null : (
        <ol class="results">
          {found.messages.map((said) => (
            <Hit
              key={said.id}
              said={said}
              words={words}
              onGo={onGo}
            />
          ))}
        </ol>
      )}
      {found.state === "found" && found.more
        ? <button type="button" onClick={() => void more()}>Earlier ones</button>
        : null}
    </Dialog>
  );
}

function Hit({ said, words, onGo }: {
  readonly said: NewSaid;
  readonly words: readonly string[];
  readonly onGo: (id: number) => void;
}): VNode {
  const { id, sender, at, format, data } = said;
  return (
    <li>
      <button type="button" onClick={() => id === undefined ? undefined : onGo(id)}>
        <span class="result-head">
          <strong dir="auto">{sender}</strong> {moment(at)}
        </span>
      </button>
      <div class="result-text">
        <RichText text={wordsIn(said)} format={format} data={data} words={words} />
      </div>
    </li>
  );
}

/** The last word may not be finished: its beginning is enough. */
function searched(query: string): string {
  return /[\p{L}\p{N}]$/u.test(query) && query.length < 256 ? `${query}*` : query;
}

function summary(found: Found): string {
  switch (found.state) {
    case "none":
      return "All words must be in a message; of the last one, the beginning is enough.";
    case "searching":
      return "Searching…";
    case "failed":
      return `Cannot search: ${found.why}`;
    case "found": {
      const count = found.messages.length;
      return count === 0
        ? "Nothing was found."
        : `${count}${found.more ? " or more" : ""} ${count === 1 ? "message" : "messages"} found.`;
    }
  }
}
