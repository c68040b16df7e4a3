import type { ComponentChildren, VNode } from "preact";
import { useEffect } from "preact/hooks";
import type { WebChat } from "../chat/web_chat.ts";
import type { Thread } from "../state/types.ts";

/** The number of names that are listed; beyond it, the line only says that there are more. */
const MAX_NAMES = 2;

/** The people who are typing. */
export function TypingLine(
  { thread, chat }: { readonly thread: Thread; readonly chat: WebChat },
): VNode {
  const typing = thread.room?.typing ?? [];
  const next = Math.min(...typing.map(({ until }) => until));
  useEffect(() => {
    if (next === Infinity) return;
    const timer = setTimeout(
      () => chat.store.apply({ type: "tick", now: Date.now() }),
      Math.max(0, next - Date.now()) + 50,
    );
    return () => clearTimeout(timer);
  }, [next]);
  const names = typing.map(({ name }) => name);
  return (
    <div class="typing">
      {names.length === 0 ? null : (
        <>
          <span class="dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>{" "}
          <span>{sentence(names)}</span>
        </>
      )}
    </div>
  );
}

function sentence(names: readonly string[]): ComponentChildren {
  if (names.length > MAX_NAMES) return `${names.length} people are typing`;
  const [first, second] = names.map((name) => <bdi key={name}>{name}</bdi>);
  return second === undefined ? <>{first} is typing</> : <>{first} and {second} are typing</>;
}
