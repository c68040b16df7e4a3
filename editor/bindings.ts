import type { Chord } from "./screen.ts";
import type { Edit, Kill } from "./edit_buffer.ts";

/** What a key asks for. */
export type EditorCommand =
  | { readonly kind: "edit"; readonly edit: Edit }
  | { readonly kind: "kill"; readonly kill: Kill }
  | { readonly kind: "chord"; readonly chord: Chord }
  | { readonly kind: Plain };

type Plain =
  | "enter"
  | "newline"
  | "up"
  | "down"
  | "yank"
  | "undo"
  | "search"
  | "complete"
  | "clear"
  | "suspend"
  | "interrupt"
  | "deleteOrEnd"
  | "cancel";

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

const PLAIN: Readonly<Record<Plain, readonly string[]>> = {
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
};

/** Windows that Alt and a digit show; `0` stands for the tenth. */
const ROOMS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

function entries<K extends string>(table: Readonly<Record<K, readonly string[]>>): [K, string][] {
  const commands = Object.keys(table) as K[];
  return commands.flatMap((command) => table[command].map((key): [K, string] => [command, key]));
}

const COMMANDS: ReadonlyMap<string, EditorCommand> = new Map<string, EditorCommand>([
  ...entries(EDITS).map(([edit, key]) => [key, { kind: "edit", edit }] as const),
  ...entries(KILLS).map(([kill, key]) => [key, { kind: "kill", kill }] as const),
  ...entries(PLAIN).map(([kind, key]) => [key, { kind }] as const),
  ...ROOMS.map((number) =>
    [`M-${number % 10}`, { kind: "chord", chord: { kind: "room", number } }] as const
  ),
  ["M-n", { kind: "chord", chord: { kind: "beside", step: 1 } }],
  ["M-p", { kind: "chord", chord: { kind: "beside", step: -1 } }],
  ["M-a", { kind: "chord", chord: { kind: "activity" } }],
]);

/** What a key means, by its name of {@linkcode Key}; Shift alone makes no other key of one. */
export function commandOf(key: string): EditorCommand | undefined {
  return COMMANDS.get(key) ?? COMMANDS.get(key.replace(/S-(?=[a-z]{2})/, ""));
}
