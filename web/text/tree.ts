/** A piece of a line. */
export type Inline =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "break" }
  | { readonly type: "code"; readonly text: string }
  | { readonly type: "link"; readonly href: string; readonly text: string }
  | {
    readonly type: "strong" | "emphasis" | "deleted";
    readonly children: readonly Inline[];
  };

/** A part of a message that stands by itself. */
export type Block =
  | { readonly type: "paragraph"; readonly children: readonly Inline[] }
  | { readonly type: "code"; readonly text: string }
  | { readonly type: "quote"; readonly children: readonly Block[] }
  | {
    readonly type: "list";
    /** The number of the first one; absent in a list of points. */
    readonly start?: number;
    readonly items: readonly (readonly Inline[])[];
  };

/** What one would read if nothing were marked: for tests, and for whoever cannot see. */
export function plainText(nodes: readonly (Block | Inline)[]): string {
  return nodes.map((node) => {
    switch (node.type) {
      case "break":
        return "\n";
      case "list":
        return node.items.map((item) => plainText(item)).join("\n");
      case "text":
      case "code":
      case "link":
        return node.text;
      default:
        return plainText(node.children);
    }
  }).join("");
}
