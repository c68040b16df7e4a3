import type { ErrorFrame, ResetReason } from "../protocol.ts";

/** The text of an error, with its room unless the text names it. */
export function errorInRoom({ message, room }: ErrorFrame): string {
  if (room === undefined || room === "" || message.includes(room)) return message;
  return `${room}: ${message}`;
}

const RESET_REASONS: Readonly<Record<ResetReason, string>> = {
  epoch: "the hub has started a new log",
  trimmed: "the hub no longer has all since you were here",
  ahead: "the hub has lost the last ones that you received",
};

/**
 * A sentence, without its full stop, about messages that a client may have missed for good.
 *
 * @param where `in lobby`, or `here`.
 */
export function gapText(where: string, reset: ResetReason | undefined): string {
  const why = reset === undefined ? "" : `: ${RESET_REASONS[reset]}`;
  return `Messages may be missing ${where}${why}`;
}
