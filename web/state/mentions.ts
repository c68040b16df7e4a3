import { nameKey } from "../../protocol.ts";

const WORD = /[\p{L}\p{N}_]/u;

/** Whether `text` names `name`, as a word of its own, with or without an `@`. */
export function mentions(text: string, name: string | undefined): boolean {
  if (name === undefined) return false;
  const key = nameKey(name);
  if (key === "") return false;
  const searched = text.normalize("NFKC").toLowerCase();
  for (let at = searched.indexOf(key); at >= 0; at = searched.indexOf(key, at + 1)) {
    const before = [...searched.slice(Math.max(0, at - 2), at)].at(-1) ?? "";
    const [after = ""] = searched.slice(at + key.length, at + key.length + 2);
    if (!WORD.test(before) && !WORD.test(after)) return true;
  }
  return false;
}
