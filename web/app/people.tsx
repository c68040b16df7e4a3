import type { VNode } from "preact";
import type { WebChat } from "../chat/web_chat.ts";
import { sameName } from "../chat/can_send.ts";
import { directKey } from "../state/threads.ts";
import type { RoomFacts } from "../state/types.ts";
import { Avatar } from "./avatar.tsx";
import { IconButton } from "./icons.tsx";

/** The members of a room. */
export function People({ chat, room, open, onClose }: {
  readonly chat: WebChat;
  readonly room: RoomFacts;
  readonly open: boolean;
  readonly onClose: () => void;
}): VNode {
  const { online, members } = room;
  const { me } = chat.state;
  return (
    <aside class={`people ${open ? "open" : ""}`} aria-label="People">
      <header>
        <h2>
          People <span class="count">{online}</span>
        </h2>
        <IconButton
          icon="close"
          label="Close the list of people"
          class="narrow-only"
          onClick={onClose}
        />
      </header>
      {members === undefined
        ? <p class="hint">{online} people are here: too many to list. Ask with /who.</p>
        : (
          <ul>
            {members.map((name) => (
              <li key={name}>
                {sameName(name, me)
                  ? (
                    <span class="row-button self-row">
                      <Avatar name={name} />
                      <span class="grow" dir="auto">{name}</span>
                      <small>you</small>
                    </span>
                  )
                  : (
                    <button
                      type="button"
                      class="row-button"
                      title={`Talk to ${name} alone`}
                      onClick={() => {
                        chat.show(directKey(name), name);
                        onClose();
                      }}
                    >
                      <Avatar name={name} />
                      <span class="grow" dir="auto">{name}</span>
                    </button>
                  )}
              </li>
            ))}
          </ul>
        )}
    </aside>
  );
}
