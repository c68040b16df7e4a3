import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { PageAddress } from "../chat/address.ts";
import type { WebChat } from "../chat/web_chat.ts";
import { copyText, saveFile } from "../chat/device.ts";
import { exported, exportFileName, type ExportFormat, isExportFormat } from "../../chat/export.ts";
import { textWithoutData } from "../state/message_items.ts";
import { errorText } from "../state/sanitize.ts";
import { roomOf } from "../state/threads.ts";
import type { ChatMessage, Thread } from "../state/types.ts";
import { quotation } from "../text/quote.ts";
import { Announcements } from "./announcements.tsx";
import { Announcer } from "./announcer.tsx";
import { Back, BackStack, useBack } from "./back.ts";
import { Banner } from "./banner.tsx";
import { Composer, type ComposerHandle } from "./composer.tsx";
import { HelpDialog, JoinDialog, NameDialog, SettingsDialog, ThreadDialog } from "./dialogs.tsx";
import { Empty } from "./empty.tsx";
import { useChat } from "./hooks.ts";
import { MessageList } from "./message_list.tsx";
import { NewVersion } from "./new_version.tsx";
import { People } from "./people.tsx";
import { SearchDialog } from "./search_dialog.tsx";
import { Sidebar } from "./sidebar.tsx";
import { ThreadHeader } from "./thread_header.tsx";
import { Toast, type ToastWords } from "./toast.tsx";
import { TokenDialog } from "./token_dialog.tsx";
import { shortcutOf } from "./shortcuts.ts";
import { TypingLine } from "./typing_line.tsx";
import { Welcome } from "./welcome.tsx";

/** The dialog over the page. */
type OpenDialog =
  | { readonly what: "settings" | "join" | "name" | "help" | "thread" | "token" }
  | { readonly what: "search"; readonly query: string };

/** The page: asks for a name on the first visit, then shows the chat. */
export function App(
  { chat, address }: { readonly chat: WebChat; readonly address: PageAddress },
): VNode {
  // The address says whose the tab is; what they are called may have changed since.
  const known = chat.memory.name ?? address.name;
  const [started, setStarted] = useState(known !== undefined || chat.isReturning);
  const begin = (name: string | undefined, chosen: boolean): void => {
    setStarted(true);
    if (name !== undefined) chat.memory.name = name;
    void chat.start(name, address.rooms, chosen);
  };
  useEffect(() => {
    if (started) begin(known, false);
  }, []);
  useTheme(useChat(chat) && chat.settings.theme);
  const back = useMemo(() => new BackStack(history), []);
  return (
    <Back.Provider value={back}>
      {started
        ? <Main chat={chat} />
        : <Welcome rooms={address.rooms} onEnter={(name) => begin(name, true)} />}
    </Back.Provider>
  );
}

function useTheme(theme: "system" | "light" | "dark"): void {
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
  }, [theme]);
}

function Main({ chat }: { readonly chat: WebChat }): VNode {
  const { threads, current, connection } = chat.state;
  const thread = current === undefined ? undefined : threads.get(current);
  const [open, setOpen] = useState<OpenDialog | undefined>(undefined);
  const [drawer, setDrawer] = useState<"threads" | "people" | undefined>(undefined);
  const [target, setTarget] = useState<{ readonly key: string; readonly id: number } | undefined>();
  const [toast, setToast] = useState<ToastWords | undefined>(undefined);
  const composer = useRef<ComposerHandle>(null);
  useBack(drawer !== undefined, () => setDrawer(undefined));
  const close = (): void => setOpen(undefined);
  const say = (words: string): void => setToast({ words });

  // Only while there is nothing that the user could be doing: later, the banner has a button.
  const wasOnline = useRef(false);
  useEffect(() => {
    wasOnline.current ||= connection.state === "online";
    if (connection.state !== "refused" || !connection.wantsToken || wasOnline.current) return;
    if (document.activeElement === document.body) setOpen({ what: "token" });
  }, [connection]);

  // The token came by another way: in the address, or in another tab.
  const needless = open?.what === "token" && connection.state === "online";
  useEffect(() => {
    if (needless) close();
  }, [needless]);

  const save = async (format: string): Promise<void> => {
    if (thread === undefined) return;
    if (!isExportFormat(format)) return say("Formats are text, json and markdown");
    try {
      await saveThread(chat, thread, format);
      close();
    } catch (error) {
      say(errorText(error));
    }
  };
  const screen = useMemo(() => ({
    search: (query: string) => setOpen({ what: "search", query }),
    save: (format: string) => void save(format),
    help: () => setOpen({ what: "help" }),
  }), [thread?.key]);

  // Not after the next frame: a key that is pressed until then would meet what was open before.
  useLayoutEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      const shortcut = shortcutOf(event);
      if (shortcut === undefined || (open !== undefined && shortcut !== "help")) return;
      event.preventDefault();
      switch (shortcut) {
        case "help":
          return setOpen({ what: "help" });
        case "join":
          return setOpen({ what: "join" });
        case "search":
          return roomOf(current) === undefined ? undefined : setOpen({ what: "search", query: "" });
        case "previous":
        case "next":
          return showNeighbour(chat, shortcut === "next" ? 1 : -1);
        case "latest":
          setDrawer(undefined);
          document.querySelector<HTMLButtonElement>(".to-end")?.click();
          composer.current?.focus();
      }
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  });

  // Where there is a keyboard, one can write at once. The open thread changes by the user's act
  // alone; the first one, which opens by itself, leaves the focus where the user has put it.
  const opened = useRef(false);
  useEffect(() => {
    const first = !opened.current;
    opened.current = thread !== undefined;
    if (!matchMedia("(hover: hover)").matches || open !== undefined) return;
    if (!first || document.activeElement === document.body) composer.current?.focus();
  }, [thread?.serial]);

  const copy = async (said: ChatMessage): Promise<void> => {
    say(await copyText(said.text) ? "Copied" : "The browser does not allow copying");
  };
  const quote = (said: ChatMessage): void => {
    composer.current?.insert(quotation(textWithoutData(said), said.format, said.data));
  };
  const room = roomOf(thread?.key);
  return (
    <div class="app">
      <Sidebar
        chat={chat}
        open={drawer === "threads"}
        actions={{
          onJoin: () => setOpen({ what: "join" }),
          onName: () => setOpen({ what: "name" }),
          onSettings: () => setOpen({ what: "settings" }),
          onHelp: () => setOpen({ what: "help" }),
          onDone: () => setDrawer(undefined),
        }}
      />
      <main class="main" onClick={onTap}>
        <ThreadHeader
          chat={chat}
          thread={thread}
          onThreads={() => setDrawer("threads")}
          onPeople={() => setDrawer("people")}
          onSearch={() => setOpen({ what: "search", query: "" })}
          onMore={() => setOpen({ what: "thread" })}
        />
        <Banner
          chat={chat}
          onToken={() => setOpen({ what: "token" })}
          onName={() => setOpen({ what: "name" })}
        />
        <NewVersion chat={chat} />
        <Announcements chat={chat} />
        {thread === undefined ? <Empty chat={chat} onJoin={() => setOpen({ what: "join" })} /> : (
          <>
            <MessageList
              key={thread.serial}
              chat={chat}
              thread={thread}
              settings={chat.settings}
              target={target?.key === thread.key ? target : undefined}
              onCopy={(said) => void copy(said)}
              onQuote={quote}
            />
            <TypingLine thread={thread} chat={chat} />
            <Composer
              key={`write ${thread.serial}`}
              chat={chat}
              thread={thread}
              screen={screen}
              handle={composer}
            />
          </>
        )}
      </main>
      {thread?.room === undefined ? null : (
        <People
          chat={chat}
          room={thread.room}
          open={drawer === "people"}
          onClose={() => setDrawer(undefined)}
        />
      )}
      {drawer === undefined
        ? null
        : <div class="veil" onClick={() => setDrawer(undefined)} aria-hidden="true" />}
      {open?.what === "settings" ? <SettingsDialog chat={chat} onClose={close} /> : null}
      {open?.what === "join" ? <JoinDialog chat={chat} onClose={close} /> : null}
      {open?.what === "name" ? <NameDialog chat={chat} onClose={close} /> : null}
      {open?.what === "help" ? <HelpDialog onClose={close} /> : null}
      {open?.what === "token"
        ? (
          <TokenDialog
            chat={chat}
            reason={connection.state === "refused" ? connection.reason : ""}
            onClose={close}
          />
        )
        : null}
      {open?.what === "thread" && thread !== undefined
        ? (
          <ThreadDialog
            chat={chat}
            thread={thread}
            onClose={close}
            onSave={(format) => void save(format)}
          />
        )
        : null}
      {open?.what === "search" && room !== undefined
        ? (
          <SearchDialog
            chat={chat}
            room={room}
            begin={open.query}
            onClose={close}
            onGo={(id) => {
              close();
              setTarget({ key: `#${room}`, id });
            }}
          />
        )
        : null}
      <Toast toast={toast} />
      <Announcer thread={thread} />
    </div>
  );
}

/** A tap on a message shows its actions, as the pointer over it does. */
function onTap(event: MouseEvent): void {
  const { target } = event;
  const touched = event instanceof PointerEvent && event.pointerType !== "mouse";
  if (!touched || !(target instanceof Element) || target.closest("a, button") !== null) return;
  target.closest<HTMLElement>("article[data-seq]")?.focus({ preventScroll: true });
}

function showNeighbour(chat: WebChat, by: 1 | -1): void {
  const keys = [...chat.state.threads.keys()];
  const at = keys.findIndex((key) => key === chat.state.current);
  const next = keys.at((at + by) % keys.length);
  if (next !== undefined) chat.show(next);
}

async function saveThread(chat: WebChat, thread: Thread, format: ExportFormat): Promise<void> {
  const title = `${thread.key.charAt(0)}${thread.name}`;
  const text = exported(title, await chat.history.wholeOf(thread.key), format);
  saveFile(exportFileName(title, Date.now(), format), format, text);
}
