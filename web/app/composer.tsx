import type { VNode } from "preact";
import { useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Ref } from "preact";
import { type ScreenActions, submitLine } from "../chat/thread_actions.ts";
import type { WebChat } from "../chat/web_chat.ts";
import { whyCannotSend } from "../chat/can_send.ts";
import { CommandError, isBareQuit } from "../../chat/commands.ts";
import type { Choice, Completion } from "../../chat/completion.ts";
import { sizeNearLimit } from "../../chat/size.ts";
import { DEFAULT_LIMITS } from "../../protocol.ts";
import { applied, completionAt } from "../state/completion.ts";
import { peopleIn, placeOf, roomOf } from "../state/threads.ts";
import type { Thread } from "../state/types.ts";
import { EmojiPicker } from "./emoji_picker.tsx";
import { useMedia } from "./hooks.ts";
import { Icon, IconButton } from "./icons.tsx";

/** What others can do with the composer. */
export interface ComposerHandle {
  focus(): void;
  /** Puts text at the end of the draft. */
  insert(text: string): void;
}

interface ComposerProps {
  readonly chat: WebChat;
  readonly thread: Thread;
  readonly screen: ScreenActions;
  readonly handle: Ref<ComposerHandle>;
}

/** The text field. It holds the draft, which the browser keeps for each thread. */
export function Composer({ chat, thread, screen, handle }: ComposerProps): VNode {
  const { key } = thread;
  const area = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(() => chat.memory.drafts.get(key));
  const [error, setError] = useState("");
  const [completion, setCompletion] = useState<Completion | undefined>(undefined);
  const [chosen, setChosen] = useState(0);
  const [picking, setPicking] = useState(false);
  /** Whether the user was asked what a word is meant as. */
  const [asking, setAsking] = useState(false);
  /** What had the focus before the emoji were opened. */
  const before = useRef<Element | null>(null);
  const touch = useMedia("(hover: none) and (pointer: coarse)");
  const { enter } = chat.settings;
  const sends = enter === "send" || (enter === "auto" && !touch);
  const caret = useRef<number | undefined>(undefined);

  const size = sizeNearLimit(text, placeOf(thread), chat.state.limits ?? DEFAULT_LIMITS);
  const left = size === undefined ? Infinity : size.limit - size.bytes;
  const empty = text.trim() === "";
  const mute = whyCannotSend(chat.state, key);

  const change = (next: string, at?: number): void => {
    setText(next);
    setError("");
    setAsking(false);
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
  const closePicker = (): void => {
    const had = document.activeElement;
    setPicking(false);
    // Where the focus has gone elsewhere, it stays there.
    if (had !== null && had !== document.body && had.closest(".picker") === null) return;
    if (before.current instanceof HTMLElement) before.current.focus();
  };
  const togglePicker = (): void => {
    if (picking) return closePicker();
    before.current = document.activeElement;
    setPicking(true);
  };
  const pick = (emoji: string): void => {
    setPicking(false);
    insert(emoji);
  };
  const disconnect = (): void => {
    change("");
    submitLine(chat, key, "/quit", screen);
    area.current?.focus();
  };
  /** @param meant whether the user has said that the text is a message. */
  const send = (meant = false): void => {
    if (empty) return;
    if (!meant && isBareQuit(text.trim())) {
      setAsking(true);
      return;
    }
    if (left < 0) {
      setError(`${-left} bytes too long: say it in two messages`);
      return;
    }
    try {
      // A space before it makes a message of `quit`.
      submitLine(chat, key, meant ? ` ${text.trim()}` : text, screen);
    } catch (problem) {
      if (!(problem instanceof CommandError)) throw problem;
      setError(problem.message);
      return;
    }
    chat.typing(key, "");
    change("");
    setCompletion(undefined);
    if (meant) area.current?.focus();
  };

  useImperativeHandle(handle, () => ({
    focus: () => area.current?.focus(),
    insert: (piece) => {
      const next = text === "" || text.endsWith("\n") ? text + piece : `${text}\n${piece}`;
      change(next, next.length);
      area.current?.focus();
    },
  }));

  useEffect(() => () => chat.typing(key, ""), [key]);

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
    chat.typing(key, mute === undefined ? value : "");
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    // The Enter that ends the choice of an input method's characters.
    if (event.isComposing || event.altKey) return;
    if (event.ctrlKey || event.metaKey) {
      if (event.key !== "Enter") return;
      event.preventDefault();
      return send();
    }
    if (completion !== undefined && onCompletionKey(event)) {
      event.preventDefault();
      return;
    }
    if (event.key === "Enter" && sends && !event.shiftKey) {
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
                <span dir="auto">{choice.label}</span>
                {choice.detail === undefined ? null : <small>{choice.detail}</small>}
              </li>
            ))}
          </ul>
        )}
      {picking ? <EmojiPicker onPick={pick} onClose={closePicker} /> : null}
      {asking
        ? (
          <div class="composer-ask" role="alert">
            <span>Disconnect, or send “{text.trim()}” to the others?</span>
            <button type="button" onClick={disconnect}>Disconnect</button>
            <button type="button" onClick={() => send(true)}>Send it</button>
          </div>
        )
        : null}
      {error === "" ? null : <p class="composer-error" role="alert">{error}</p>}
      <div class="composer-hint" role="status">
        {mute === undefined || empty || error !== "" ? null : mute}
        {thread.closedReason === undefined || room === undefined
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
          onClick={togglePicker}
          keepFocus
        />
        <textarea
          ref={area}
          rows={1}
          dir="auto"
          value={text}
          aria-label={room === undefined ? `Message to ${thread.name}` : `Message to #${room}`}
          placeholder={hint}
          aria-controls={completion === undefined ? undefined : "choices"}
          aria-autocomplete="list"
          aria-activedescendant={completion === undefined ? undefined : option(chosen)}
          autoCapitalize="sentences"
          enterkeyhint={sends ? "send" : "enter"}
          onInput={onInput}
          onKeyDown={onKeyDown}
          onBlur={() => setCompletion(undefined)}
        />
        {left < Infinity
          ? <span class={`left ${left < 0 ? "over" : ""}`} role="status">{left}</span>
          : null}
        <button
          type="submit"
          class="send"
          aria-label="Send"
          title={sends ? "Send (Enter)" : "Send (Ctrl Enter)"}
          disabled={empty || left < 0 || mute !== undefined}
        >
          <Icon name="send" />
        </button>
      </div>
    </form>
  );
}
