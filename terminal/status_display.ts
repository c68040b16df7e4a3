import { isBareQuit, messageText } from "../chat/commands.ts";
import { summaryText } from "../chat/presence.ts";
import { VERIFIED_MARK } from "../chat/sender.ts";
import { type MessageSize, sizeNearLimit } from "../chat/size.ts";
import type { Cancel } from "../lib/clock.ts";
import { visible } from "../protocol.ts";
import { displayWidth, fit } from "../render/width.ts";
import { paintWith } from "../render/paint.ts";
import { type Background, paletteOf } from "../render/palette.ts";
import { plural } from "../lib/words.ts";
import type { ChatContext } from "./chat_context.ts";
import { plainRows, type StatusRows, statusRows, troubleText } from "./status.ts";
import type { View } from "./view.ts";

/** Narrower screens get shorter hints. */
const WIDE = 70;

/** Options of a {@linkcode StatusDisplay}. */
export interface StatusDisplayOptions {
  readonly color: boolean;
  readonly address: string;
  readonly background?: Background;
  readonly verifiedMark?: string;
}

/** Keeps prompt and status rows up to date. */
export class StatusDisplay {
  hint: string | undefined;
  /** A line that the user has to confirm, because it may not be meant as it stands. */
  question: string | undefined;
  #rows = "";
  #cancelTick: Cancel | undefined;
  #isStopped = false;

  constructor(
    private readonly context: ChatContext,
    private readonly options: StatusDisplayOptions,
  ) {
    this.hint = context.screen.columns < WIDE
      ? "Enter sends, /help helps, Ctrl-C leaves"
      : "Type a message and press Enter. /help lists commands, Ctrl-C leaves.";
  }

  /** How everything on the screen is rendered. */
  get view(): View {
    const { connection, screen, status, clock } = this.context;
    const { color, background, verifiedMark = VERIFIED_MARK } = this.options;
    const { theme, timestamp, mention } = status.settings;
    return {
      self: connection.sender,
      paint: paintWith(color ? paletteOf(theme, background) : undefined),
      columns: screen.columns,
      now: new Date(clock.now()),
      stamps: timestamp,
      mention,
      verifiedMark,
    };
  }

  refresh(): void {
    if (this.#isStopped) return;
    const { screen } = this.context;
    screen.setPrompt(this.#prompt());
    const { columns, rows: height } = screen;
    const rows = screen.plain === true
      ? plainRows(this.#status())
      : statusRows(this.#status(), { columns, rows: height, paint: this.view.paint });
    const all = rows.join("\n");
    if (all !== this.#rows) screen.setStatus(rows);
    this.#rows = all;
  }

  /** Removes the status rows for good. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTick?.();
    this.context.screen.setStatus([]);
  }

  /** `[lobby] Alice> `: short, because the line being typed needs the space more. */
  #prompt(): string {
    const { connection, screen, windows: { current }, status } = this.context;
    const half = Math.max(12, Math.floor(screen.columns / 2));
    const state = current.closedReason !== undefined
      ? "(closed)"
      : status.link.kind === "online"
      ? ""
      : connection.sender === undefined
      ? "(connecting)"
      : "(offline)";
    const { title } = current;
    const room = title === "" ? "" : `[${fit(visible(title), Math.floor(half / 2))}]`;
    const left = half - displayWidth(room) - state.length - 3;
    const name = left < 3 ? "" : fit(visible(connection.sender ?? ""), left);
    return [room, name, state].filter((part) => part !== "").join(" ") + "> ";
  }

  #status(): StatusRows {
    const { windows: { list }, status: { away }, unsent, screen, typing } = this.context;
    const { current, all } = list;
    return {
      presence: current.presence === undefined ? undefined : summaryText(current.presence),
      pending: unsent.describe(current.title),
      activity: all.flatMap(({ title, unread, mentions, place }, at) =>
        unread === 0
          ? []
          : { number: at + 1, title, unread, mentions, isPrivate: place.kind === "private" }
      ),
      typing: typing.names(current.room),
      away: away === undefined
        ? undefined
        : `Away: "${away.text}", ${plural(away.count, "message")} for you. /back ends it`,
      trouble: this.#trouble(),
      size: sizeText(this.#draftSize()),
      hint: this.question === undefined ? this.hint : questionText(this.question, screen.columns),
    };
  }

  #draftSize(): MessageSize | undefined {
    const { windows: { current: { place } }, screen, connection: { limits } } = this.context;
    const text = messageText(screen.draft);
    if (text === undefined || place.kind === "home" || limits === undefined) return undefined;
    return sizeNearLimit(text, place, limits);
  }

  #trouble(): string | undefined {
    const { status: { link }, clock, screen } = this.context;
    if (link.kind === "online") return undefined;
    if (link.kind === "ended") return `Not connected: ${link.reason}`;
    if (link.kind === "offline") {
      const left = link.until - clock.now();
      // A plain screen cannot count down.
      if (screen.plain === true || left <= 0) return troubleText(link.reason, undefined);
      // On the next whole second, so that no number is left out.
      this.#cancelTick?.();
      this.#cancelTick = clock.after(left % 1000 || 1000, () => this.refresh());
      return troubleText(link.reason, left);
    }
    return link.reason === undefined
      ? `Connecting to ${this.options.address}`
      : troubleText(link.reason, undefined);
  }
}

function sizeText(size: MessageSize | undefined): StatusRows["size"] {
  if (size === undefined) return undefined;
  const { bytes, limit } = size;
  const over = bytes > limit;
  const number = (count: number): string => count.toLocaleString("en-US");
  const text = over
    ? `${plural(bytes - limit, "byte")} too long`
    : `${number(bytes)} of ${number(limit)} bytes`;
  return { text, over };
}

function questionText(line: string, columns: number): string {
  const isNarrow = columns < WIDE;
  if (isBareQuit(line)) {
    return isNarrow
      ? "Leave? Enter leaves"
      : "Leave? Enter leaves; with a space before it, it is a message";
  }
  const lines = line.trimEnd().split("\n").length;
  return isNarrow
    ? `Send ${lines} lines at once? Enter sends`
    : `Send ${lines} lines as one message? Enter sends, any other key continues editing`;
}
