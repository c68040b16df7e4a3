import { plural } from "../lib/words.ts";
import { displayWidth, fit } from "../render/width.ts";
import { visible } from "../protocol.ts";
import type { Paint } from "../render/paint.ts";

/** A window that is not shown and in which something happened. */
export interface Activity {
  readonly number: number;
  readonly title: string;
  readonly unread: number;
  readonly mentions: number;
  readonly isPrivate: boolean;
}

/** What the rows above the prompt may tell. */
export interface StatusRows {
  /** Comings and goings since something was said last. */
  readonly presence: string | undefined;
  /** What waits for the hub, as it is told of each. */
  readonly pending: readonly string[];
  readonly activity: readonly Activity[];
  readonly typing: readonly string[];
  readonly away: string | undefined;
  /** What is wrong with the connection. */
  readonly trouble: string | undefined;
  /** How long the draft is, where that matters. */
  readonly size: { readonly text: string; readonly over: boolean } | undefined;
  /** A question, or a word on what to do next. */
  readonly hint: string | undefined;
}

/** A screen of so few rows leaves less to the status. */
const SMALL_SCREEN = 16;

/** The rows; none when there is nothing to tell. The nearest to the prompt matters most. */
export function statusRows(
  status: StatusRows,
  { columns, rows, paint }: {
    readonly columns: number;
    readonly rows: number;
    readonly paint: Paint;
  },
): readonly string[] {
  // One column stays free: some terminals go on to the next row when the last is written.
  const width = columns - 1;
  const row = (text: string): string => fit(visible(text), width);
  const { presence, pending, trouble, size, hint, away } = status;
  const news = newsRow(status, width, paint);
  const all = [
    ...presence === undefined ? [] : [paint.dim(row(`* ${presence}`))],
    ...pendingRows(pending, rows < SMALL_SCREEN ? 1 : 3).map((text) => paint.dim(row(text))),
    ...news === "" ? [] : [news],
    ...away === undefined ? [] : [paint.dim(row(away))],
    ...trouble === undefined ? [] : [paint.problem(row(trouble))],
    ...size === undefined ? [] : [(size.over ? paint.problem : paint.dim)(row(size.text))],
    ...hint === undefined ? [] : [row(hint)],
  ];
  return all.slice(-Math.max(2, Math.floor(rows / 3)));
}

/**
 * The rows for a screen on which nothing can be changed: each stays the same for as long as what it
 * tells does, so that it is shown once.
 */
export function plainRows({ activity, trouble, hint }: StatusRows): readonly string[] {
  const rows = [
    ...activity.map(({ number, title }) => `${title} has something new: /window ${number}`),
    ...trouble === undefined ? [] : [trouble],
    ...hint === undefined ? [] : [hint],
  ];
  return rows.map((row) => visible(row));
}

function pendingRows(pending: readonly string[], most: number): readonly string[] {
  const shown = pending.slice(0, most).map((text) => `… ${text.replaceAll(/\s+/g, " ")}`);
  const rest = pending.length - shown.length;
  return rest === 0 ? shown : [...shown, `… and ${rest.toLocaleString("en-US")} more`];
}

/** `2:ops 3 unread, 3:dev 1 mention · Bob is typing…`. */
function newsRow({ activity, typing }: StatusRows, width: number, paint: Paint): string {
  const windows = activity.map(({ number, title, unread, mentions, isPrivate }) => {
    const what = isPrivate
      ? `${plural(unread, "private", "private")}`
      : mentions > 0
      ? plural(mentions, "mention")
      : `${unread.toLocaleString("en-US")} unread`;
    return { text: `${number}:${fit(visible(title), 24)} ${what}`, loud: mentions > 0 };
  });
  let room = width;
  const parts: string[] = [];
  for (const { text, loud } of windows) {
    const comma = parts.length === 0 ? "" : ", ";
    room -= comma.length + displayWidth(text);
    // Alt-a goes there all the same.
    if (room < 2) {
      parts.push(fit(`${comma}…`, room + comma.length + displayWidth(text)));
      return parts.join("");
    }
    parts.push(comma + (loud ? paint.bold(text) : text));
  }
  const who = typingText(typing);
  if (who === "") return parts.join("");
  const gap = parts.length === 0 ? "" : " · ";
  room -= gap.length;
  return room < 12 ? parts.join("") : parts.join("") + gap + paint.dim(fit(who, room));
}

/** `Bob is typing…`, `Bob, Carol and 2 others are typing…`. */
export function typingText(names: readonly string[]): string {
  const [first, second, third] = names.map((name) => visible(name));
  if (first === undefined) return "";
  if (second === undefined) return `${first} is typing…`;
  if (third === undefined) return `${first} and ${second} are typing…`;
  const others = names.length - 2;
  return `${first}, ${second} and ${plural(others, "other")} are typing…`;
}

/** `Reconnecting in 4 s: connection refused`. */
export function troubleText(reason: string, milliseconds: number | undefined): string {
  const why = reason.replace(/\.$/, "");
  const when = milliseconds === undefined
    ? "Reconnecting now"
    : `Reconnecting in ${Math.max(1, Math.ceil(milliseconds / 1000))} s`;
  return why === "" ? when : `${when}: ${why}`;
}
