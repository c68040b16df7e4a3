import { nameKey, type Presence } from "../protocol.ts";

/**
 * Comings and goings since something was said last, as one sentence.
 *
 * Who comes back before anything was said was never gone, and who goes again is only counted: what
 * is left is what changed.
 */
export interface PresenceSummary {
  /** By name key, as they are shown. */
  readonly joined: ReadonlyMap<string, string>;
  readonly left: ReadonlyMap<string, string>;
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
  /** How often somebody came and went. */
  readonly passing: number;
  readonly online: number;
}

/** Names that a fold tells; more are counted. */
const TOLD = 3;
/** Renames that a fold keeps: a guest who renames himself all day must not fill the memory. */
const MAX_RENAMED = 20;

/** `fold`, and what happened then; `undefined` when all in all nothing has. */
export function summarizePresence(
  fold: PresenceSummary | undefined,
  presence: Presence,
): PresenceSummary | undefined {
  const joined = new Map(fold?.joined);
  const left = new Map(fold?.left);
  const renamed = [...fold?.renamed ?? []];
  let passing = fold?.passing ?? 0;
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
  const kept = renamed.slice(-MAX_RENAMED);
  return { joined, left, renamed: kept, passing, online: presence.online };
}

/** `Bob, Carol joined, 5 left (3 online)`. */
export function summaryText({ joined, left, renamed, passing, online }: PresenceSummary): string {
  const who = (names: ReadonlyMap<string, string>): string =>
    names.size <= TOLD ? [...names.values()].join(", ") : String(names.size);
  const parts = [
    ...joined.size === 0 ? [] : [`${who(joined)} joined`],
    ...left.size === 0 ? [] : [`${who(left)} left`],
    ...passing === 0 ? [] : [`${passing} came and went`],
    ...renamed.length <= TOLD
      ? renamed.map(({ from, to }) => `${from} is now ${to}`)
      : [`${renamed.length} changed names`],
  ];
  return `${parts.join(", ")} (${online} online)`;
}
