import type { VNode } from "preact";
import { useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Ref } from "preact";
import type { Chat, ScreenActions } from "../chat/chat.ts";
import { whyMute } from "../chat/standing.ts";
import { CommandError } from "../state/commands.ts";
import { applied, type Choice, type Completion, completionAt } from "../state/complete.ts";
import { EMOJI } from "../state/emoji.ts";
import { bytesLeft } from "../state/size.ts";
import { peopleIn, roomOf } from "../state/threads.ts";
import type { Thread } from "../state/types.ts";
import { Icon, IconButton } from "./icons.tsx";

/** Bytes left from which on they are counted down. */
const COUNT_FROM = 1000;

/** What others can do with the composer. */
export interface ComposerHandle {
  focus(): void;
  /** Puts text at the end of the draft. */
  insert(text: string): void;
}

interface ComposerProps {
  readonly chat: Chat;
  readonly thread: Thread;
  readonly screen: ScreenActions;
  readonly handle: Ref<ComposerHandle>;
}

/** Where one writes. The draft lives here, and is kept by the browser for each thread. */
export function Composer({ chat, thread, screen, handle }: ComposerProps): VNode {
  const { key } = thread;
  const area = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(() => chat.memory.drafts.get(key));
  const [error, setError] = useState("");
  const [completion, setCompletion] = useState<Completion | undefined>(undefined);
  const [chosen, setChosen] = useState(0);
  const [picking, setPicking] = useState(false);
  const caret = useRef<number | undefined>(undefined);

  const left = bytesLeft(text, chat.state.limits);
  const empty = text.trim() === "";
  const mute = whyMute(chat.state, key);

  const change = (next: string, at?: number): void => {
    setText(next);
    setError("");
    chat.memory.drafts.keep(key, next);
    caret.current = at;
  };
  const complete = (next: string, at: number): void => {
    const rooms = [...chat.state.threads.values()].filter(({ room }) => room !== undefined)
      .map(({ name }) => name);
    setCompletion(completionAt(next, at, { people: peopleIn(chat.state), rooms }));
    setChosen(0);
  };
  const choose = (choice: Choice): void => {
    if (completion === undefined) return;
    const next = applied(text, completion, choice);
    change(next.text, next.caret);
    setCompletion(undefined);
    area.current?.focus();
  };
  const insert = (piece: string): void => {
    const at = area.current?.selectionStart ?? text.length;
    change(text.slice(0, at) + piece + text.slice(at), at + piece.length);
    area.current?.focus();
  };
  const send = (): void => {
    if (empty) return;
    if (left < 0) {
      setError(`${-left} bytes too long: say it in two messages`);
      return;
    }
    try {
      chat.enter(key, text, screen);
    } catch (problem) {
      if (!(problem instanceof CommandError)) throw problem;
      setError(problem.message);
      return;
    }
    chat.typing(key, false);
    change("");
    setCompletion(undefined);
  };

  useImperativeHandle(handle, () => ({
    focus: () => area.current?.focus(),
    insert: (piece) => {
      const next = text === "" || text.endsWith("\n") ? text + piece : `${text}\n${piece}`;
      change(next, next.length);
      area.current?.focus();
    },
  }));

  useEffect(() => () => chat.typing(key, false), [key]);

  // A tab that was closed may have left one.
  const kept = chat.memory.drafts.get(key);
  useEffect(() => {
    if (text === "" && kept !== "") setText(kept);
  }, [kept]);

  useLayoutEffect(() => {
    const element = area.current;
    if (element === null) return;
    // Grows with the text, where the browser cannot do it by itself.
    if (!CSS.supports("field-sizing", "content")) {
      element.style.height = "auto";
      element.style.height = `${element.scrollHeight}px`;
    }
    if (caret.current === undefined) return;
    element.setSelectionRange(caret.current, caret.current);
    caret.current = undefined;
  }, [text]);

  const onInput = ({ currentTarget }: { currentTarget: HTMLTextAreaElement }): void => {
    const { value, selectionStart } = currentTarget;
    change(value);
    complete(value, selectionStart);
    chat.typing(key, mute === undefined && value.trim() !== "" && !value.startsWith("/"));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    // The Enter that ends the choice of an input method's characters.
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (completion !== undefined && onCompletionKey(event)) {
      event.preventDefault();
      return;
    }
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    }
  };
  const onCompletionKey = ({ key: pressed, shiftKey }: KeyboardEvent): boolean => {
    const { choices } = completion ?? { choices: [] };
    const choice = choices[chosen];
    if (pressed === "Escape") setCompletion(undefined);
    else if (pressed === "ArrowDown") setChosen((chosen + 1) % choices.length);
    else if (pressed === "ArrowUp") setChosen((chosen + choices.length - 1) % choices.length);
    else if ((pressed === "Tab" || (pressed === "Enter" && !isWhole())) && !shiftKey) {
      if (choice !== undefined) choose(choice);
    } else return false;
    return true;
  };
  /** Whether the user has typed a whole choice already: it is sent rather than completed. */
  const isWhole = (): boolean => {
    if (completion === undefined) return false;
    const typed = text.slice(completion.from, completion.to).trim();
    return completion.choices.some(({ insert: whole }) => whole.trim() === typed);
  };

  const room = roomOf(key);
  const hint = mute ?? (room === undefined ? `Message ${thread.name}` : `Message #${room}`);
  const option = (index: number): string => `choice-${index}`;
  return (
    <form
      class="composer"
      aria-label="Write a message"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {completion === undefined
        ? null
        : (
          <ul class="choices" id="choices" role="listbox" aria-label="Suggestions">
            {completion.choices.map((choice, index) => (
              <li
                key={choice.label}
                id={option(index)}
                role="option"
                aria-selected={index === chosen}
                onMouseDown={(event) => {
                  event.preventDefault();
                  choose(choice);
                }}
              >
                <span>{choice.label}</span>
                {choice.detail === undefined ? null : <small>{choice.detail}</small>}
              </li>
            ))}
          </ul>
        )}
      {picking
        ? (
          <div class="picker" role="group" aria-label="Emoji">
            {EMOJI.map(({ name, emoji }) => (
              <button
                type="button"
                key={name}
                title={`:${name}:`}
                aria-label={name.replaceAll("_", " ")}
                onClick={() => {
                  insert(emoji);
                  setPicking(false);
                }}
              >
                {emoji}
              </button>
            ))}
          </div>
        )
        : null}
      {error === "" ? null : <p class="composer-error" role="alert">{error}</p>}
      <div class="composer-hint" role="status">
        {mute === undefined || empty || error !== "" ? null : mute}
        {thread.gone === undefined || room === undefined
          ? null
          : (
            <button type="button" class="link" onClick={() => chat.join(room)}>
              Enter #{room} again
            </button>
          )}
      </div>
      <div class="composer-box">
        <IconButton
          icon="smile"
          label="Emoji"
          pressed={picking}
          onClick={() => setPicking(!picking)}
        />
        <textarea
          ref={area}
          rows={1}
          value={text}
          aria-label={room === undefined ? `Message to ${thread.name}` : `Message to #${room}`}
          placeholder={hint}
          aria-controls={completion === undefined ? undefined : "choices"}
          aria-autocomplete="list"
          aria-activedescendant={completion === undefined ? undefined : option(chosen)}
          autoCapitalize="sentences"
          enterkeyhint="send"
          onInput={onInput}
          onKeyDown={onKeyDown}
          onBlur={() => setCompletion(undefined)}
        />
        {left < COUNT_FROM
          ? <span class={`left ${left < 0 ? "over" : ""}`} role="status">{left}</span>
          : null}
        <button
          type="submit"
          class="send"
          aria-label="Send"
          title="Send (Enter)"
          disabled={empty || left < 0 || mute !== undefined}
        >
          <Icon name="send" />
        </button>
      </div>
    </form>
  );
}
