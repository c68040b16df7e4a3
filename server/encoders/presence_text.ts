import type { Presence, System } from "../../protocol.ts";

/** A `presence` frame as sentences, for clients that show only text. */
export function presenceSentences(
  frame: Presence,
  timestamp: string,
): readonly System[] {
  const { room, online } = frame;
  const count = `(${online} online)`;
  const say = (event: System["event"], message: string): System => ({
    type: "system",
    message,
    timestamp,
    event,
    room,
    online,
  });
  const sentences: System[] = [];
  for (const { from, to } of frame.renamed ?? []) {
    sentences.push(say("rename", `${from} is now ${to}`));
  }
  if (frame.joined) sentences.push(say("join", `${formatNames(frame.joined)} joined ${count}`));
  if (frame.left) sentences.push(say("leave", `${formatNames(frame.left)} left ${count}`));
  if (sentences.length === 0) sentences.push(say("presence", `${online} online`));
  return sentences;
}

/** `Alice`, `Alice and Bob`, `Alice, Bob and Carol`. */
export function formatNames(names: readonly string[]): string {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
