import { nameKey, type Presence } from "../protocol.ts";

/**
 * Joins and leaves since the last message, as one sentence.
 *
 * People who return before anything is said never left, and people who join and leave again are
 * only counted: what remains is what changed.
 */
export interface PresenceSummary {
  /** Names by name key. */
  readonly joined: ReadonlyMap<string, string>;
  readonly left: ReadonlyMap<string, string>;
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
  /** How often people joined and left again. */
  readonly passing: number;
  readonly online: number;
}

/** Names that a summary lists; more are counted. */
const MAX_NAMES = 3;
/** Renames that a summary keeps: a guest who renames himself all day must not fill the memory. */
const MAX_RENAMED = 20;

/** `summary` with what `presence` adds; `undefined` if nothing has changed altogether. */
export function summarizePresence(
  summary: PresenceSummary | undefined,
  presence: Presence,
): PresenceSummary | undefined {
  const joined = new Map(summary?.joined);
  const left = new Map(summary?.left);
  const renamed = [...summary?.renamed ?? []];
  let passing = summary?.passing ?? 0;
  for (const { from, to } of presence.renamed ?? []) {
    if (joined.delete(nameKey(from))) joined.set(nameKey(to), to);
    else renamed.push({ from, to });
  }
  for (const name of presence.left ?? []) {
    if (joined.delete(nameKey(name))) passing++;
    else left.set(nameKey(name), name);
  }
  for (const name of presence.joined ?? []) {
    if (!left.delete(nameKey(name))) joined.set(nameKey(name), name);
  }
  if (joined.size + left.size + renamed.length + passing === 0) return undefined;
  return { joined, left, renamed: renamed.slice(-MAX_RENAMED), passing, online: presence.online };
}

/** `Bob, Carol joined, 5 left (3 online)`. */
export function summaryText({ joined, left, renamed, passing, online }: PresenceSummary): string {
  const names = (people: ReadonlyMap<string, string>): string =>
    people.size <= MAX_NAMES ? [...people.values()].join(", ") : String(people.size);
  const parts = [
    ...joined.size === 0 ? [] : [`${names(joined)} joined`],
    ...left.size === 0 ? [] : [`${names(left)} left`],
    ...passing === 0 ? [] : [`${passing} came and went`],
    ...renamed.length <= MAX_NAMES
      ? renamed.map(({ from, to }) => `${from} is now ${to}`)
      : [`${renamed.length} changed names`],
  ];
  return `${parts.join(", ")} (${online} online)`;
}

/** The names of a room's members by name key; `undefined` if the room does not name them. */
export type MemberNames = ReadonlyMap<string, string> | undefined;

/** Names by name key. */
export function membersByKey(names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name) => [nameKey(name), name]));
}

/** The members of a room after `presence`. */
export function membersAfter(
  known: MemberNames,
  { members, joined, left, renamed }: Presence,
): MemberNames {
  if (members !== undefined) return membersByKey(members);
  if ((joined ?? left ?? renamed) === undefined || known === undefined) return undefined;
  const next = new Map(known);
  for (const name of left ?? []) next.delete(nameKey(name));
  for (const { from } of renamed ?? []) next.delete(nameKey(from));
  for (const name of [...joined ?? [], ...(renamed ?? []).map(({ to }) => to)]) {
    next.set(nameKey(name), name);
  }
  return next;
}

/** `presence` with the joins and leaves that a complete list implies, if the last one is known. */
export function withImpliedChanges(known: MemberNames, presence: Presence): Presence {
  const { members } = presence;
  if (members === undefined || known === undefined) return presence;
  const now = membersByKey(members);
  return {
    ...presence,
    joined: members.filter((name) => !known.has(nameKey(name))),
    left: [...known].flatMap(([key, name]) => now.has(key) ? [] : name),
  };
}

/** `Alice`, `Alice and Bob`, `Alice, Bob and Carol`. */
export function formatNames(names: readonly string[]): string {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** `3 in lobby: Alice, Bob and 1 more`. */
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
