/** `* 3 in lobby: Alice, Bob and 1 more`, without the mark. */
export function whoText(
  { room, online, members = [] }: {
    readonly room: string;
    readonly online: number;
    readonly members?: readonly string[];
  },
): string {
  const more = online - members.length;
  const names = members.join(", ") + (more > 0 && members.length > 0 ? ` and ${more} more` : "");
  return `${online} in ${room}${names === "" ? "" : `: ${names}`}`;
}

/** `40 s`, `12 min`, `3 h 5 min`, `2 days`: as exact as somebody wants to know. */
export function durationText(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
}

/** `0.4 ms`, `12 ms`. */
export function latencyText(milliseconds: number): string {
  return `${milliseconds < 10 ? Math.round(milliseconds * 10) / 10 : Math.round(milliseconds)} ms`;
}
