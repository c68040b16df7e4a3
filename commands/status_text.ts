import { formatBytes } from "@std/fmt";
import { plural } from "../lib/words.ts";
import type { StatusReport } from "../protocol.ts";

/** The lines of the status table: label and value. */
export function statusRows(
  status: StatusReport,
  address: string,
): readonly (readonly [label: string, value: string])[] {
  const refusals = Object.entries(status.refusals).filter(([, count]) => count > 0);
  return [
    ["hub", `${status.name} ${status.version} at ${address}`],
    ["up for", duration(status.uptime)],
    [
      "clients",
      `${many(status.connections)} now, ${many(status.accepted)} since the start` +
      (status.turnedAway > 0 ? `, ${many(status.turnedAway)} rejected` : ""),
    ],
    ["rooms", `${many(status.rooms)} with people in them, ${many(status.log.rooms)} with messages`],
    ["messages", `${many(status.messagesPerSecond)}/s, ${many(status.messages)} since the start`],
    [
      "deliveries",
      `${many(status.deliveriesPerSecond)}/s, ${many(status.deliveries)} since the start`,
    ],
    ["kept", plural(status.log.messages, "message")],
    ["memory", `${bytes(status.memory.rss)}, ${bytes(status.memory.heapUsed)} of it in use`],
    ["event loop", `at most ${milliseconds(status.loopLagMs)} late`],
    ["disconnected", `${many(status.slowConsumers)} for reading too slowly`],
    [
      "rejected",
      refusals.length === 0
        ? "nothing"
        : refusals.map(([code, count]) => `${code} ${many(count)}`).join(", "),
    ],
  ];
}

/** The status as one line, for a log. */
export function statusLine(status: StatusReport, now: Date): string {
  return [
    now.toISOString(),
    `clients ${status.connections}`,
    `rooms ${status.rooms}`,
    `messages/s ${status.messagesPerSecond}`,
    `deliveries/s ${status.deliveriesPerSecond}`,
    `memory ${bytes(status.memory.rss).replaceAll(" ", "")}`,
    `lag ${milliseconds(status.loopLagMs).replaceAll(" ", "")}`,
  ].join("  ");
}

/** `3 d 4 h`, `4 h 5 min`, `5 min 6 s`, `6 s`. */
export function duration(seconds: number): string {
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [Math.floor(seconds) % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return "0 s";
  return parts.slice(first, first + 2).filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`).join(" ");
}

function many(count: number): string {
  return count.toLocaleString("en-US", { maximumFractionDigits: count < 100 ? 1 : 0 });
}

function bytes(count: number): string {
  return formatBytes(count);
}

function milliseconds(value: number): string {
  return `${value.toLocaleString("en-US", { maximumFractionDigits: 1 })} ms`;
}
