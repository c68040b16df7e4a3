const UNITS: readonly (readonly [seconds: number, name: string])[] = [
  [86_400, "day"],
  [3600, "hour"],
  [60, "minute"],
  [1, "second"],
];

/** Rounds to the largest unit: `3 minutes`, `1 day`. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(1, Math.round(Math.abs(milliseconds) / 1000));
  const [size, name] = UNITS.find(([size]) => seconds >= size) ?? [1, "second"];
  const count = Math.round(seconds / size);
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}

const MINUTE = 60_000;

/** `2026-01-31 10:30 UTC`. Rounds up, so that an end is never announced too early. */
export function formatMinute(time: number): string {
  const minute = new Date(Math.ceil(time / MINUTE) * MINUTE);
  return `${minute.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
