import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { isRoomName, normalizeName } from "../../protocol.ts";
import { askToNotify, canNotify } from "../chat/notifier.ts";
import type { WebChat } from "../chat/web_chat.ts";
import { NAME_RULE, roomIn } from "../../chat/commands.ts";
import { COMMANDS } from "../state/commands.ts";
import { EXPORT_FORMATS, type ExportFormat } from "../../chat/export.ts";
import { CHOICES, levelOf, LEVELS } from "../state/settings.ts";
import { roomOf } from "../state/threads.ts";
import type { Thread } from "../state/types.ts";
import { Dialog, Segments } from "./dialog.tsx";

interface DialogProps {
  readonly chat: WebChat;
  readonly onClose: () => void;
}

/** The settings of the page. */
export function SettingsDialog({ chat, onClose }: DialogProps): VNode {
  const { settings } = chat;
  const [hint, setHint] = useState("");
  const notify = async (wanted: "on" | "off"): Promise<void> => {
    const allowed = wanted === "off" || await askToNotify();
    chat.configure({ notifications: allowed ? wanted : "off" });
    setHint(allowed ? "" : "The browser does not allow them: look at its settings for this page");
  };
  return (
    <Dialog title="Settings" onClose={onClose}>
      <Segments
        label="Theme"
        choices={CHOICES.theme}
        value={settings.theme}
        onChange={(theme) => chat.configure({ theme })}
      />
      <Segments
        label="Times"
        choices={CHOICES.times}
        value={settings.times}
        onChange={(times) => chat.configure({ times })}
      />
      <Segments
        label="Notifications while you look elsewhere"
        choices={CHOICES.notifications}
        value={settings.notifications}
        onChange={(wanted) => void notify(wanted)}
      />
      {canNotify()
        ? null
        : <p class="hint">This browser shows them only over an encrypted connection (https).</p>}
      <p class="hint" role="status">{hint}</p>
      <Segments
        label="Sounds"
        choices={CHOICES.sounds}
        names={{ on: "Elsewhere" }}
        value={settings.sounds}
        onChange={(sounds) => {
          chat.configure({ sounds });
          if (sounds !== "off") chat.notifier.play();
        }}
      />
      <Segments
        label="Show joins and leaves"
        choices={CHOICES.comings}
        value={settings.comings}
        onChange={(comings) => chat.configure({ comings })}
      />
      <Segments
        label="What mentions you"
        choices={CHOICES.mention}
        names={{ at: "@name", name: "Your name anywhere" }}
        value={settings.mention}
        onChange={(mention) => chat.configure({ mention })}
      />
      <Segments
        label="Enter"
        choices={CHOICES.enter}
        names={{ auto: "Automatic", send: "Sends", newline: "New line" }}
        value={settings.enter}
        onChange={(enter) => chat.configure({ enter })}
      />
      <p class="hint">Automatic: Enter sends; on touch screens it starts a new line.</p>
    </Dialog>
  );
}

/** Joins or creates a room. */
export function JoinDialog({ chat, onClose }: DialogProps): VNode {
  const [room, setRoom] = useState("");
  const [error, setError] = useState("");
  const [known, setKnown] = useState<readonly { readonly room: string; readonly online: number }[]>(
    [],
  );
  useEffect(() => {
    const abort = new AbortController();
    listRooms(abort.signal).then(setKnown).catch(() => {
      // A hub that does not list its rooms: one types the name.
    });
    return () => abort.abort();
  }, []);
  const join = (name: string): void => {
    try {
      chat.join(roomIn(name));
      onClose();
    } catch (problem) {
      setError(problem instanceof Error ? problem.message : String(problem));
    }
  };
  const others = known.filter((each) => !chat.state.threads.has(`#${each.room}`));
  return (
    <Dialog title="Join a room" onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          join(room);
        }}
      >
        <label class="field">
          <span>Room</span>
          <input
            value={room}
            placeholder="team"
            autoFocus
            autoCapitalize="none"
            autoComplete="off"
            spellcheck={false}
            maxLength={65}
            onInput={({ currentTarget }) => {
              setRoom(currentTarget.value);
              setError("");
            }}
          />
        </label>
        <p class="hint">A room that does not exist yet is created.</p>
        {error === "" ? null : <p class="error" role="alert">{error}</p>}
        <button class="primary" type="submit" disabled={room.trim() === ""}>Enter</button>
      </form>
      {others.length === 0 ? null : (
        <>
          <h3>Open rooms</h3>
          <ul class="plain-list">
            {others.map((each) => (
              <li key={each.room}>
                <button type="button" class="row-button" onClick={() => join(each.room)}>
                  <span class="hash" aria-hidden="true">#</span>
                  <span class="grow">{each.room}</span>
                  <small>{each.online} online</small>
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </Dialog>
  );
}

/** Changes the user’s name. */
export function NameDialog({ chat, onClose }: DialogProps): VNode {
  const [name, setName] = useState(chat.state.me ?? chat.memory.name ?? "");
  const valid = normalizeName(name);
  return (
    <Dialog title="Your name" onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (valid === undefined) return;
          // Not connected, the same name is worth another try.
          if (valid !== chat.state.me || chat.state.connection.state === "refused") {
            chat.rename(valid);
          }
          onClose();
        }}
      >
        <NameField name={name} onInput={setName} />
        <button class="primary" type="submit" disabled={valid === undefined}>Change</button>
      </form>
    </Dialog>
  );
}

/** A field for a name, which reports why a name is invalid. */
export function NameField({ name, onInput }: {
  readonly name: string;
  readonly onInput: (name: string) => void;
}): VNode {
  const wrong = name.trim() !== "" && normalizeName(name) === undefined;
  return (
    <>
      <label class="field">
        <span>Name</span>
        <input
          dir="auto"
          value={name}
          placeholder="Alice"
          autoFocus
          autoComplete="nickname"
          aria-invalid={wrong}
          onInput={({ currentTarget }) => onInput(currentTarget.value)}
        />
      </label>
      {wrong ? <p class="error" role="alert">{NAME_RULE}</p> : null}
    </>
  );
}

/** The actions on a whole conversation. */
export function ThreadDialog({ chat, thread, onClose, onSave }: DialogProps & {
  readonly thread: Thread;
  readonly onSave: (format: ExportFormat) => void;
}): VNode {
  const { key } = thread;
  const room = roomOf(key);
  const { settings } = chat;
  return (
    <Dialog title={room === undefined ? thread.name : `#${thread.name}`} onClose={onClose}>
      <Segments
        label="Notify me about"
        choices={LEVELS}
        names={{ all: "All messages", mentions: "Mentions", off: "Nothing" }}
        value={levelOf(settings, key)}
        onChange={(level) => chat.configure({ levels: { ...settings.levels, [key]: level } })}
      />
      <h3>Save as a file</h3>
      <div class="button-row">
        {Object.entries(EXPORT_FORMATS).map(([format, { label }]) => (
          <button
            type="button"
            key={format}
            onClick={() => onSave(format as ExportFormat)}
          >
            {label}
          </button>
        ))}
      </div>
      <h3>This view</h3>
      <div class="button-row">
        <button
          type="button"
          onClick={() => {
            chat.store.apply({ type: "clear", key });
            onClose();
          }}
        >
          Clear
        </button>
        <button
          type="button"
          class="danger"
          onClick={() => {
            chat.leave(key);
            onClose();
          }}
        >
          {room === undefined || thread.closedReason !== undefined
            ? "Close the conversation"
            : "Leave the room"}
        </button>
      </div>
    </Dialog>
  );
}

/** The keys, the commands, and the marks of Markdown. */
export function HelpDialog({ onClose }: { readonly onClose: () => void }): VNode {
  return (
    <Dialog title="Shortcuts and commands" onClose={onClose} wide>
      <div class="columns">
        <section>
          <h3>Keys</h3>
          <dl class="keys">
            {SHORTCUTS.map(([keys, what]) => (
              <div key={what}>
                <dt>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
        </section>
        <section>
          <h3>Commands</h3>
          <dl class="keys">
            {COMMANDS.all.map(({ name, takes, help }) => (
              <div key={name}>
                <dt>
                  <code>/{name} {takes}</code>
                </dt>
                <dd>{help}</dd>
              </div>
            ))}
          </dl>
          <h3>Writing</h3>
          <p>
            <code>**bold**</code> <code>*italic*</code> <code>~~struck~~</code> <code>`code`</code>
            {" "}
            <code>```</code> <code>&gt; quote</code> <code>- list</code> <code>:smile:</code>{" "}
            <code>@name</code>
          </p>
        </section>
      </div>
    </Dialog>
  );
}

const SHORTCUTS: readonly (readonly [keys: readonly string[], what: string])[] = [
  [["Enter"], "Send"],
  [["Shift", "Enter"], "New line"],
  [["Ctrl", "Enter"], "Send, whatever Enter does"],
  [["Tab"], "Complete a name, an emoji, a command"],
  [["Alt", "↑ ↓"], "Previous or next conversation"],
  [["Ctrl", "K"], "Join a room"],
  [["Ctrl", "Shift", "F"], "Search"],
  [["Esc"], "To the newest message"],
  [["↑ ↓"], "From message to message, in the list"],
  [["C"], "Copy the message"],
  [["Q"], "Quote the message"],
  [["?"], "This list; while writing, Ctrl /"],
];

async function listRooms(
  signal: AbortSignal,
): Promise<readonly { readonly room: string; readonly online: number }[]> {
  const answer = await fetch("api/rooms", { signal, headers: { accept: "application/json" } });
  if (!answer.ok) return [];
  const { rooms }: { rooms?: unknown } = await answer.json();
  return Array.isArray(rooms)
    ? rooms.filter(({ room, online }) => isRoomName(String(room)) && typeof online === "number")
    : [];
}
