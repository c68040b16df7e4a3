import type { VNode } from "preact";
import { nameKey } from "../../protocol.ts";

/** The number of colours for people in the style sheet. */
const HUES = 8;

/** The class that gives a name its colour: the same in all clients. */
export function hueOf(name: string): string {
  let hash = 0;
  for (const character of nameKey(name)) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return `hue-${hash % HUES}`;
}

/** A person’s initial in a circle of their colour. */
export function Avatar({ name }: { readonly name: string }): VNode {
  const [initial = "?"] = new Intl.Segmenter().segment(name.toUpperCase());
  return (
    <span class={`avatar ${hueOf(name)}`} aria-hidden="true">
      {typeof initial === "string" ? initial : initial.segment}
    </span>
  );
}
