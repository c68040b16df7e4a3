import { plural } from "../lib/words.ts";
import { displayWidth, fit } from "../render/width.ts";
import { visible } from "../protocol.ts";
import type { Paint } from "../render/paint.ts";

/** A hidden window with news. */
export interface Activity {
  readonly number: number;
  readonly title: string;
  readonly unread: number;
  readonly mentions: number;
  readonly isPrivate: boolean;
}

/** The contents of the rows above the prompt. */
export interface StatusRows {
  /** Joins and leaves since the last message. */
  readonly presence: string | undefined;
  /** Messages that the hub does not have yet. */
  readonly pending: readonly string[];
  readonly activity: readonly Activity[];
  readonly typing: readonly string[];
  readonly away: string | undefined;
  /** The problem with the connection. */
  readonly trouble: string | undefined;
  /** The size of the draft, if it is near the limit. */
  readonly size: { readonly text: string; readonly over: boolean } | undefined;
  /** A question, or a hint what to do next. */
  readonly hint: string | undefined;
}

/** Screens with fewer rows show fewer pending messages. */
const SMALL_SCREEN = 16;

/** The rows of the status. The most important is nearest to the prompt. */
export function statusRows(
  status: StatusRows,
  { columns, rows, paint }: {
    readonly columns: number;
    readonly rows: number;
    readonly paint: Paint;
  },
): readonly string[] {
  // Some terminals wrap when the last column is written, so it stays free.
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

/** The rows for a screen that only prints lines. Each is stable, so that it is printed once. */
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
    // Alt-a still shows the others.
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
function typingText(names: readonly string[]): string {
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
