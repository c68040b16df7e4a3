import type { VNode } from "preact";
import { Icon } from "./icons.tsx";

/** Characters that look like the mark of a name that is proved. */
const LIKE_THE_MARK = /[\u2611\u2705\u2713\u2714\u{1F5F8}\u{1F5F9}]\uFE0F?/gu;

/** Who said something, and whether a token proved that name. */
export function Sender({ name, verified, class: more = "" }: {
  readonly name: string;
  readonly verified: true | undefined;
  readonly class?: string;
}): VNode {
  return (
    <>
      <span class={`name ${more}`} dir="auto">{withoutMark(name)}</span>
      {verified
        ? (
          <span
            class="verified"
            role="img"
            aria-label="Verified name"
            title="Verified: a token proved this name"
          >
            <Icon name="verified" />
          </span>
        )
        : null}
    </>
  );
}

/** Who said something, in words. No name has a colon in it: none can claim to be verified. */
export function senderLabel(name: string, verified: true | undefined): string {
  return verified ? `Verified: ${name}` : name;
}

/** A name in which nothing looks like the mark. */
function withoutMark(name: string): string {
  return name.replace(LIKE_THE_MARK, (mark) => {
    return `<U+${mark.codePointAt(0)?.toString(16).toUpperCase()}>`;
  });
}
