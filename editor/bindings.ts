import type { Edit, Kill } from "./edit_buffer.ts";

/** The effect of a key. */
export type EditorCommand =
  | { readonly kind: "edit"; readonly edit: Edit }
  | { readonly kind: "kill"; readonly kill: Kill }
  | { readonly kind: "shortcut"; readonly key: string }
  | { readonly kind: keyof typeof SIMPLE };

const EDITS: Readonly<Record<Edit, readonly string[]>> = {
  left: ["left", "C-b"],
  right: ["right", "C-f"],
  wordLeft: ["M-b", "C-left", "M-left"],
  wordRight: ["M-f", "C-right", "M-right"],
  lineStart: ["home", "C-a"],
  lineEnd: ["end", "C-e"],
  backspace: ["backspace"],
  delete: ["delete"],
  transpose: ["C-t"],
};

const KILLS: Readonly<Record<Kill, readonly string[]>> = {
  deleteWordLeft: ["M-backspace", "C-backspace"],
  deleteWordRight: ["M-d", "M-delete", "C-delete"],
  deleteBlankWordLeft: ["C-w"],
  deleteToLineStart: ["C-u"],
  deleteToLineEnd: ["C-k"],
};

const SIMPLE = {
  enter: ["enter"],
  newline: ["M-enter", "S-enter", "C-j", "C-M-j"],
  up: ["up", "C-p"],
  down: ["down", "C-n"],
  yank: ["C-y"],
  undo: ["C-_"],
  search: ["C-r"],
  complete: ["tab"],
  clear: ["C-l"],
  suspend: ["C-z"],
  interrupt: ["C-c"],
  deleteOrEnd: ["C-d"],
  cancel: ["C-g", "escape"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

function entries<K extends string>(table: Readonly<Record<K, readonly string[]>>): [K, string][] {
  const commands = Object.keys(table) as K[];
  return commands.flatMap((command) => table[command].map((key): [K, string] => [command, key]));
}

const COMMANDS: ReadonlyMap<string, EditorCommand> = new Map<string, EditorCommand>([
  ...entries(EDITS).map(([edit, key]) => [key, { kind: "edit", edit }] as const),
  ...entries(KILLS).map(([kill, key]) => [key, { kind: "kill", kill }] as const),
  ...entries(SIMPLE).map(([kind, key]) => [key, { kind }] as const),
]);

/**
 * The command of a key, named as in {@linkcode Key}. Shift is ignored where it has no binding of its
 * own.
 *
 * @param shortcuts keys to report instead of handling them here.
 */
export function commandOf(key: string, shortcuts: ReadonlySet<string>): EditorCommand | undefined {
  const unshifted = key.replace(/S-(?=[a-z]{2})/, "");
  return COMMANDS.get(key) ?? COMMANDS.get(unshifted) ??
    (shortcuts.has(unshifted) ? { kind: "shortcut", key: unshifted } : undefined);
}
