import { getLogger } from "@logtape/logtape";
import { ConnectError, type Conversation, RequestError } from "../client/types.ts";
import type { ClientEvent } from "../client/types.ts";
import { type Content, visible } from "../protocol.ts";
import { plural } from "../cli/text.ts";
import { type Actions, completeLine, LineError, runLine } from "./commands.ts";
import { note, problem, renderEvent, renderHistory, renderWho, type View } from "./render.ts";
import type { Chord, Screen, ScreenEvents } from "./screen.ts";
import { ChatState } from "./state.ts";

const logger = getLogger(["bcast", "client"]);

/** Milliseconds that leaving waits for the hub to have what was sent last. */
const LEAVE_TIMEOUT = 2000;
/** Milliseconds after which a message that the hub does not have yet is worth a word. */
const SLOW = 500;
/** Characters of a room's name in the prompt: the line being typed needs the room more. */
const PROMPT_ROOM = 24;

/** What a chat is told beside its conversation and screen. */
export interface ChatOptions {
  readonly color: boolean;
  /** Called with the name the hub gave, whenever it gives one. */
  readonly onName?: (name: string) => void;
  /** Milliseconds since 1970; for tests. */
  readonly now?: () => number;
}

/** A conversation on a screen. */
export class Chat implements ScreenEvents {
  readonly #conversation: Conversation;
  readonly #screen: Screen;
  readonly #options: ChatOptions;
  readonly #state = new ChatState();
  /** What was said of the connection last: a hub that stays away is no news every few seconds. */
  #trouble: string | undefined;
  #slow: ReturnType<typeof setTimeout> | undefined;
  #showWaiting = false;
  #name: string | undefined;
  #leaving: Promise<void> | undefined;
  #undelivered = 0;

  constructor(conversation: Conversation, screen: Screen, options: ChatOptions) {
    this.#conversation = conversation;
    this.#screen = screen;
    this.#options = options;
    this.#prompt();
  }

  /**
   * Shows what happens until the conversation ends. Returns how many messages the hub never had.
   *
   * @throws {ConnectError} when the hub cannot be reached or says no.
   */
  async run(): Promise<number> {
    try {
      for await (const event of this.#conversation) this.#take(event);
      await this.#leaving;
      return this.#undelivered;
    } finally {
      clearTimeout(this.#slow);
    }
  }

  /** Says goodbye, as soon as the hub has what was said before. A second call does not wait. */
  leave(): Promise<void> {
    if (this.#leaving !== undefined) return this.#conversation.close();
    return this.#leaving = this.#leave();
  }

  line(line: string): void {
    try {
      runLine(line, this.#actions);
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      this.#problem(error.message);
    }
    this.#prompt();
  }

  edited(_draft: string): void {}

  chord(_chord: Chord): void {}

  resized(): void {}

  interrupt(): void {
    void this.leave();
  }

  end(): void {
    void this.leave();
  }

  complete(line: string): readonly [candidates: readonly string[], part: string] {
    return completeLine(line, {
      people: this.#state.people,
      rooms: [...this.#state.rooms.keys()],
    });
  }

  async #leave(): Promise<void> {
    const conversation = this.#conversation;
    if (conversation.pending > 0) {
      this.#note(`Waiting for the hub to have ${this.#waiting()}. Ctrl-C leaves at once`);
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, LEAVE_TIMEOUT);
      await Promise.race([conversation.flush(), late]);
      clearTimeout(timer);
    }
    await conversation.close();
  }

  #take(event: ClientEvent): void {
    this.#state.apply(event);
    logEvent(event);
    if (!this.#isOldTrouble(event)) {
      const text = renderEvent(event, this.#view);
      if (text !== undefined) this.#screen.print(text);
    }
    this.#prompt();
  }

  /** Whether this is only one more try that failed like the one before. */
  #isOldTrouble(event: ClientEvent): boolean {
    if (event.type === "online") this.#trouble = undefined;
    if (event.type !== "offline") return false;
    const known = this.#trouble === event.reason;
    this.#trouble = event.reason;
    return known;
  }

  get #view(): View {
    return {
      self: this.#conversation.sender,
      tagged: this.#state.rooms.size > 1,
      color: this.#options.color,
      columns: this.#screen.columns,
      now: new Date((this.#options.now ?? Date.now)()),
    };
  }

  #note(text: string): void {
    this.#screen.print(note(text, this.#view));
  }

  #problem(text: string): void {
    this.#screen.print(problem(text, this.#view));
  }

  #waiting(): string {
    return plural(this.#conversation.pending, "message");
  }

  /** `[lobby] Alice> `, and in between what stands in the way. */
  #prompt(): void {
    const { sender, state, pending } = this.#conversation;
    if (sender !== undefined && sender !== this.#name) {
      this.#name = sender;
      this.#options.onName?.(sender);
    }
    const { current } = this.#state;
    const room = current !== undefined && current.length > PROMPT_ROOM
      ? current.slice(0, PROMPT_ROOM - 1) + "…"
      : current;
    if (pending === 0) this.#showWaiting = false;
    const away = state === "connecting" || state === "offline";
    const doubts = [
      ...away ? [sender === undefined ? "connecting" : "offline"] : [],
      ...this.#showWaiting || (pending > 0 && away) ? [`${pending} waiting`] : [],
    ];
    const doubt = doubts.length === 0 ? "" : ` (${doubts.join(", ")})`;
    const head = room === undefined ? "" : `[${room}] `;
    this.#screen.setPrompt(`${head}${visible(sender ?? "")}${doubt}> `.trimStart());
  }

  readonly #actions: Actions = ((chat: Chat): Actions => ({
    get room() {
      return chat.#state.current;
    },
    get rooms() {
      return [...chat.#state.rooms].map(([room, { online }]) => ({ room, online }));
    },
    get people() {
      return chat.#state.people;
    },
    say: (content, kind) => chat.#say(content, kind),
    whisper: (to, content) =>
      chat.#ask(chat.#conversation.direct(to, content), (direct) => {
        logger.debug("Said to {to} alone: {message}", { to, ...content });
        chat.#screen.print(renderEvent(direct, chat.#view) ?? "");
      }),
    join: (room) => {
      const known = chat.#state.rooms.has(room);
      chat.#state.want(room);
      if (known) chat.#note(`You speak in ${room} now`);
      else chat.#conversation.join({ room });
    },
    leave: (room) => chat.#conversation.leave(room),
    rename: (name) => chat.#conversation.nick(name),
    who: (room) =>
      chat.#ask(
        chat.#conversation.who(room),
        (who) => chat.#screen.print(renderWho(who, chat.#view)),
      ),
    history: (room, limit) =>
      chat.#ask(
        chat.#conversation.history(room, { limit }),
        (history) => chat.#screen.print(renderHistory(history, chat.#view)),
      ),
    note: (text) => chat.#note(text),
    quit: () => void chat.leave(),
  }))(this);

  #say(content: Content, kind?: "action"): void {
    const room = this.#state.current;
    if (this.#conversation.state !== "online") {
      this.#note(`Goes out as soon as the hub is back: "${cut(content.message ?? "")}"`);
    }
    const sent = this.#conversation.send({
      ...content,
      ...(room === undefined ? {} : { room }),
      ...(kind === undefined ? {} : { kind }),
    });
    this.#ask(sent, () => {}, `Not sent: "${cut(content.message ?? "")}"`);
    sent.catch((error: unknown) => {
      if (error instanceof ConnectError) this.#undelivered++;
    });
    this.#slow ??= setTimeout(() => {
      this.#slow = undefined;
      this.#showWaiting = true;
      this.#prompt();
    }, SLOW);
  }

  /** Shows the answer to a request, or why there is none. */
  #ask<T>(answer: Promise<T>, show: (answer: T) => void, what = "Refused"): void {
    void answer.then(show, (error: unknown) => {
      if (error instanceof ConnectError && this.#conversation.state === "closed") {
        // The end of the conversation is told where it is noticed, not once for every request.
        return logger.debug("A request ended with the conversation: {error}", { error });
      }
      if (!(error instanceof RequestError || error instanceof ConnectError)) throw error;
      this.#problem(`${what}: ${error.message}`);
    }).finally(() => this.#prompt());
  }
}

/** Writes what happened to the log; what was said only at debug level. */
export function logEvent(event: ClientEvent): void {
  switch (event.type) {
    case "online":
      return logger.info("Connected as {sender}", {
        sender: event.welcome.sender,
        again: event.again,
        missed: event.missed,
      });
    case "offline":
      return logger.warning("Connection lost: {reason}", {
        reason: event.reason,
        code: event.code,
        retryIn: event.retryIn,
      });
    case "error":
      return logger.warning("The hub says {code}: {message}", {
        code: event.code,
        message: event.message,
      });
    case "joined":
      return logger.info("Entered {room}", { room: event.room, recovered: event.recovered });
    case "message":
    case "direct":
      return logger.debug("{sender}: {message}", { ...event });
    default:
      return logger.debug("Event {type}", { ...event });
  }
}

function cut(text: string): string {
  return text.length > 60 ? text.slice(0, 60) + "…" : text;
}
