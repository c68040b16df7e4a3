import type { ComponentChildren, VNode } from "preact";
import type { TextFormat } from "../../protocol.ts";
import { memo } from "./memo.ts";
import { highlight } from "../text/highlight.ts";
import { readText } from "../../chat/markdown/parse.ts";
import type { Block, Inline, LinkNode } from "../../chat/markdown/tree.ts";

interface RichTextProps {
  readonly text: string;
  readonly format: TextFormat | undefined;
  /** Data that came with the text, as code. */
  readonly data?: string | undefined;
  /** Words to mark. */
  readonly words?: readonly string[];
}

/**
 * A message as it is meant to look. Text only ever becomes text: the tree has no node that could
 * hold markup, and the library sets it as such.
 */
export const RichText = memo(function RichText(props: RichTextProps): VNode {
  const { text, format, data, words = [] } = props;
  const code: readonly Block[] = data === undefined ? [] : [{ type: "code", text: data }];
  return <>{[...readText(text, format), ...code].map((block) => drawBlock(block, words))}</>;
});

function drawBlock(block: Block, words: readonly string[]): ComponentChildren {
  switch (block.type) {
    case "paragraph":
      return <p dir="auto">{drawAll(block.children, words)}</p>;
    case "literal":
      return (
        <p class={`literal ${block.columns ? "aligned" : ""}`} dir="auto">
          {drawAll(block.children, words)}
        </p>
      );
    case "code":
      return <pre tabIndex={0} dir="auto"><code>{block.text}</code></pre>;
    case "quote":
      return <blockquote>{block.children.map((each) => drawBlock(each, words))}</blockquote>;
    case "list": {
      const { numbers } = block;
      const items = block.items.map((item, index) => (
        <li key={index} value={numbers?.[index]} dir="auto">{drawAll(item, words)}</li>
      ));
      return numbers === undefined ? <ul>{items}</ul> : <ol>{items}</ol>;
    }
  }
}

function drawAll(nodes: readonly Inline[], words: readonly string[]): ComponentChildren {
  return nodes.map((node) => drawInline(node, words));
}

function drawInline(node: Inline, words: readonly string[]): ComponentChildren {
  switch (node.type) {
    case "text":
      return highlight(node.text, words).map(({ text, hit }, index) =>
        hit ? <mark key={index}>{text}</mark> : text
      );
    case "break":
      return <br />;
    case "code":
      return <code>{node.text}</code>;
    case "link":
      return drawLink(node);
    case "strong":
      return <strong>{drawAll(node.children, words)}</strong>;
    case "emphasis":
      return <em>{drawAll(node.children, words)}</em>;
    case "deleted":
      return <del>{drawAll(node.children, words)}</del>;
  }
}

/** A link, left to right in any text; shows its target if that differs from the text. */
function drawLink({ href, text }: LinkNode): VNode {
  return (
    <a
      href={href}
      target="_blank"
      rel="noopener noreferrer nofollow"
      dir="ltr"
      title={href === text || href === `${text}/` ? undefined : href}
    >
      {text}
    </a>
  );
}
