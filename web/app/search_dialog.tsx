import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { WebChat } from "../chat/web_chat.ts";
import { textWithoutData } from "../state/message_items.ts";
import { EMPTY_LOG } from "../state/log.ts";
import { searchLog } from "../state/search.ts";
import { roomKey } from "../state/threads.ts";
import { errorText } from "../state/sanitize.ts";
import type { NewChatMessage } from "../state/types.ts";
import { wordsOf } from "../text/highlight.ts";
import { Dialog } from "./dialog.tsx";
import { RichText } from "./rich_text.tsx";
import { Sender } from "./sender.tsx";
import { moment } from "./time.tsx";

/** Milliseconds without a key press before the search starts. */
const PAUSE = 200;

type FoundMessages =
  | { readonly state: "none" | "searching" }
  | { readonly state: "failed"; readonly why: string }
  | {
    readonly state: "found" | "found here";
    readonly messages: readonly NewChatMessage[];
    readonly more: boolean;
  };

/** Searches the history of a room at the hub; without a connection, the loaded messages. */
export function SearchDialog({ chat, room, begin, onClose, onGo }: {
  readonly chat: WebChat;
  readonly room: string;
  readonly begin: string;
  readonly onClose: () => void;
  readonly onGo: (id: number) => void;
}): VNode {
  const [query, setQuery] = useState(begin);
  const [found, setFound] = useState<FoundMessages>({ state: "none" });
  const words = wordsOf(query);
  const online = chat.state.connection.state === "online";

  useEffect(() => {
    if (words.length === 0) {
      setFound({ state: "none" });
      return;
    }
    if (!online) {
      const log = chat.state.threads.get(roomKey(room))?.log ?? EMPTY_LOG;
      setFound({ state: "found here", messages: searchLog(log, words), more: false });
      return;
    }
    let over = false;
    const timer = setTimeout(async () => {
      setFound({ state: "searching" });
      try {
        const page = await chat.history.search(room, searched(query));
        if (!over) setFound({ state: "found", ...page });
      } catch (error) {
        if (!over) setFound({ state: "failed", why: errorText(error) });
      }
    }, PAUSE);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [query, room, online]);

  const more = async (): Promise<void> => {
    if (found.state !== "found") return;
    try {
      const page = await chat.history.search(room, searched(query), found.messages.at(-1)?.id);
      setFound((now) => {
        // Something else was searched for meanwhile.
        if (now !== found) return now;
        return { ...page, state: "found", messages: [...found.messages, ...page.messages] };
      });
    } catch (error) {
      setFound((now) => now === found ? { state: "failed", why: errorText(error) } : now);
    }
  };

  return (
    <Dialog title={`Search #${room}`} onClose={onClose} wide>
      <label class="field">
        <span>Words</span>
        <input
          // Not the type "search": there, Escape empties it instead of closing the window.
          role="searchbox"
          enterkeyhint="search"
          dir="auto"
          value={query}
          autoFocus
          autoComplete="off"
          maxLength={256}
          onInput={({ currentTarget }) => setQuery(currentTarget.value)}
        />
      </label>
      <p class="hint" role="status">{summary(found)}</p>
      {!("messages" in found) ? null : (
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
        ? <button type="button" onClick={() => void more()}>Earlier messages</button>
        : null}
    </Dialog>
  );
}

function Hit({ said, words, onGo }: {
  readonly said: NewChatMessage;
  readonly words: readonly string[];
  readonly onGo: (id: number) => void;
}): VNode {
  const { id, sender, verified, at, format, data } = said;
  return (
    <li>
      <button type="button" onClick={() => id === undefined ? undefined : onGo(id)}>
        <span class="result-head">
          <Sender name={sender} verified={verified} /> {moment(at)}
        </span>
      </button>
      <div class="result-text">
        <RichText text={textWithoutData(said)} format={format} data={data} words={words} />
      </div>
    </li>
  );
}

/** The last word may be unfinished: its beginning matches. */
function searched(query: string): string {
  return /[\p{L}\p{N}]$/u.test(query) && query.length < 256 ? `${query}*` : query;
}

function summary(found: FoundMessages): string {
  switch (found.state) {
    case "none":
      return "All words must be in a message; of the last one, the beginning is enough.";
    case "searching":
      return "Searching…";
    case "failed":
      return `Cannot search: ${found.why}`;
    case "found":
      return counted(found.messages.length, found.more);
    case "found here":
      return "There is no connection: only what this page has loaded is searched. " +
        counted(found.messages.length, false);
  }
}

function counted(count: number, more: boolean): string {
  if (count === 0) return "Nothing was found.";
  return `${count}${more ? " or more" : ""} ${count === 1 ? "message" : "messages"} found.`;
}
