import type { VNode } from "preact";
import type { WebChat } from "../chat/web_chat.ts";
import type { PageConnection, Thread } from "../state/types.ts";
import { Avatar } from "./avatar.tsx";
import { Icon, IconButton } from "./icons.tsx";

/** The dialogs and threads that the sidebar can open. */
export interface SidebarActions {
  readonly onJoin: () => void;
  readonly onName: () => void;
  readonly onSettings: () => void;
  readonly onHelp: () => void;
  /** Something was chosen: where the sidebar lies over the page, it goes away. */
  readonly onDone: () => void;
}

/** The rooms, the private conversations, and the user. */
export function Sidebar({ chat, actions, open }: {
  readonly chat: WebChat;
  readonly actions: SidebarActions;
  readonly open: boolean;
}): VNode {
  const { threads, current, me, connection } = chat.state;
  // Before the hub has said it, and where it says nothing.
  const name = me ?? chat.memory.name;
  const all = [...threads.values()];
  const rooms = all.filter(({ key }) => key.startsWith("#"));
  const directs = all.filter(({ key }) => key.startsWith("@"));
  const show = (thread: Thread): void => {
    chat.show(thread.key);
    actions.onDone();
  };
  return (
    <nav class={`sidebar ${open ? "open" : ""}`} aria-label="Conversations">
      <header class="brand">
        <img src={iconAddress()} alt="" width="28" height="28" />
        <span class="grow">bcast</span>
        <IconButton icon="help" label="Shortcuts and commands" onClick={actions.onHelp} />
        <IconButton icon="settings" label="Settings" onClick={actions.onSettings} />
      </header>
      <div class="threads">
        <div class="section">
          <h2>Rooms</h2>
          <IconButton icon="plus" label="Join a room" onClick={actions.onJoin} />
        </div>
        <ul>
          {rooms.map((each) => (
            <ThreadRow key={each.key} thread={each} current={each.key === current} onShow={show} />
          ))}
        </ul>
        {directs.length === 0 ? null : (
          <>
            <div class="section">
              <h2>Private</h2>
            </div>
            <ul>
              {directs.map((each) => (
                <ThreadRow
                  key={each.key}
                  thread={each}
                  current={each.key === current}
                  onShow={show}
                />
              ))}
            </ul>
          </>
        )}
      </div>
      <footer class="self">
        <button type="button" class="row-button" title="Change your name" onClick={actions.onName}>
          <Avatar name={name ?? "?"} />
          <span class="grow">
            <span class="self-name" dir="auto">{name ?? "Guest"}</span>
            <small>
              <span class={`dot ${connection.state}`} />
              {stateName(connection)}
            </small>
          </span>
          <Icon name="edit" />
          <span class="hidden">Change your name</span>
        </button>
      </footer>
    </nav>
  );
}

function ThreadRow({ thread, current, onShow }: {
  readonly thread: Thread;
  readonly current: boolean;
  readonly onShow: (thread: Thread) => void;
}): VNode {
  const { name, room, unread, mentions, pending, closedReason } = thread;
  const failed = pending.some(({ error }) => error !== undefined);
  return (
    <li>
      <button
        type="button"
        class={`row-button ${current ? "current" : ""} ${unread > 0 ? "unread" : ""} ${
          closedReason === undefined ? "" : "gone"
        }`}
        title={closedReason}
        aria-current={current ? "page" : undefined}
        onClick={() => onShow(thread)}
      >
        {thread.key.startsWith("#")
          ? <span class="hash" aria-hidden="true">#</span>
          : <Avatar name={name} />}
        <span class="grow" dir="auto">{name}</span>
        {closedReason === undefined ? null : <small>left</small>}
        {failed
          ? (
            <span class="failed-mark" title="Something was not sent">
              <Icon name="warning" />
            </span>
          )
          : null}
        {unread > 0
          ? (
            <span class={`badge ${mentions > 0 ? "mentions" : ""}`}>
              {unread > 999 ? "999+" : unread}
              <span class="hidden">
                {unread === 1 ? " unread message" : " unread messages"}
                {mentions > 0 && room !== undefined ? `, ${mentions} of them to you` : ""}
              </span>
            </span>
          )
          : null}
      </button>
    </li>
  );
}

function stateName({ state }: PageConnection): string {
  switch (state) {
    case "online":
      return "Online";
    case "connecting":
      return "Connecting…";
    case "offline":
      return "Offline";
    case "refused":
      return "Rejected";
    case "replaced":
      return "In another tab";
    case "ended":
      return "Disconnected";
  }
}

let icon: string | undefined;

/** The address of the icon, which only the head of the page knows: its name contains a hash. */
export function iconAddress(): string {
  return icon ??= document.querySelector<HTMLLinkElement>('link[rel="icon"]')?.href ?? "";
}
