import type { VNode } from "preact";
import type { Choices } from "../state/settings.ts";
import { isSameDay } from "../../chat/time.ts";

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const WITH_YEAR = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const AGO = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "narrow" });

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY_LONG = 24 * HOUR;

/** The time of a message, in the format that the user chose. */
export function Time({ at, now, style }: {
  readonly at: number;
  readonly now: number;
  readonly style: Choices["times"];
}): VNode | null {
  if (style === "off") return null;
  const date = new Date(at);
  return (
    <time dateTime={date.toISOString()} title={WHOLE.format(date)}>
      {style === "exact" ? CLOCK.format(date) : ago(now - at)}
    </time>
  );
}

/** A relative time, in few words. */
export function ago(elapsed: number): string {
  if (elapsed < MINUTE) return "now";
  if (elapsed < HOUR) return AGO.format(-Math.floor(elapsed / MINUTE), "minute");
  if (elapsed < DAY_LONG) return AGO.format(-Math.floor(elapsed / HOUR), "hour");
  return AGO.format(-Math.floor(elapsed / DAY_LONG), "day");
}

/** The name of a day: Today, Yesterday, a date. */
export function dayName(day: Date, now: number): string {
  if (isSameDay(day.getTime(), now)) return "Today";
  if (isSameDay(day.getTime(), now - DAY_LONG)) return "Yesterday";
  const thisYear = day.getFullYear() === new Date(now).getFullYear();
  return (thisYear ? DAY : WITH_YEAR).format(day);
}

/** Date and time, for search results. */
export function moment(at: number): string {
  return `${WITH_YEAR.format(at)}, ${CLOCK.format(at)}`;
}
