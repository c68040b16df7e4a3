import type { VNode } from "preact";
import { Icon } from "./icons.tsx";

/** Characters that look like the mark of a verified name. */
const LIKE_THE_MARK = /[\u2611\u2705\u2713\u2714\u{1F5F8}\u{1F5F9}]\uFE0F?/gu;

/** The sender of a message, with a mark if a token proved the name. */
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

/** The sender as text. Names contain no colon, so none can imitate "Verified:". */
export function senderLabel(name: string, verified: true | undefined): string {
  return verified ? `Verified: ${name}` : name;
}

/** A name without characters that look like the mark. */
function withoutMark(name: string): string {
  return name.replace(LIKE_THE_MARK, (mark) => {
    return `<U+${mark.codePointAt(0)?.toString(16).toUpperCase()}>`;
  });
}
