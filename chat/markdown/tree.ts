/** A link whose text is its address. */
export interface LinkNode {
  readonly type: "link";
  readonly href: string;
  readonly text: string;
}

/** A part of a line. */
export type Inline =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "break" }
  | { readonly type: "code"; readonly text: string }
  | LinkNode
  | {
    readonly type: "strong" | "emphasis" | "deleted";
    readonly children: readonly Inline[];
  };

/** A block of a message. */
export type Block =
  | { readonly type: "paragraph"; readonly children: readonly Inline[] }
  | {
    /** Literal text: contains only text and links. */
    readonly type: "literal";
    /** Whether its lines have columns. */
    readonly columns: boolean;
    readonly children: readonly Inline[];
  }
  | { readonly type: "code"; readonly text: string }
  | { readonly type: "quote"; readonly children: readonly Block[] }
  | {
    readonly type: "list";
    /** The number of each; absent in a list of points. */
    readonly numbers?: readonly number[];
    readonly items: readonly (readonly Inline[])[];
  };

/** The text without marks: for tests and screen readers. */
export function plainText(blocks: readonly Block[]): string {
  return blocks.map((block) => {
    switch (block.type) {
      case "code":
        return block.text;
      case "list":
        return block.items.map(inlineText).join("\n");
      case "quote":
        return plainText(block.children);
      default:
        return inlineText(block.children);
    }
  }).join("\n");
}

function inlineText(nodes: readonly Inline[]): string {
  return nodes.map((node) => {
    switch (node.type) {
      case "break":
        return "\n";
      case "text":
      case "code":
      case "link":
        return node.text;
      default:
        return inlineText(node.children);
    }
  }).join("");
}
