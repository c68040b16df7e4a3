import { assertEquals } from "@std/assert";
import { columns, table } from "../../render/table.ts";

Deno.test("`table()` wraps the texts beside their labels", () => {
  assertEquals(table([["a", "x y"], ["bb", "z"]], { width: 8 }), "  a   x\n      y\n  bb  z\n");
});

Deno.test("`table()` puts a label that is too long on a line of its own", () => {
  const rows = [["label", "x"], ["b", "y"]] as const;
  assertEquals(table(rows, { indent: 0, maxLeft: 3 }), "label\n   x\nb  y\n");
});

Deno.test("`columns()` makes each column as wide as its widest cell, and titles bold", () => {
  const head = [{ title: "A" }, { title: "N", align: "right" }, { title: "LAST" }] as const;
  const rows = [["一二", "5", "x"], ["b\u0301", "1,000", ""]];
  const text = columns(head, rows, { color: false });
  assertEquals(text, "A         N  LAST\n一二      5  x\nb\u0301     1,000\n");
  assertEquals(columns([{ title: "A" }], [], { color: true }), "\x1b[1mA\x1b[22m\n");
});
