/** A key that shows another window. */
export type Chord =
  | { readonly kind: "room"; readonly number: number }
  /** The next window, or the previous one. */
  | { readonly kind: "beside"; readonly step: 1 | -1 }
  /** The next window with something new. */
  | { readonly kind: "activity" };

/** Windows with a key of their own: Alt and a digit, 0 for the tenth. */
const NUMBERS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

/** The shortcuts of the chat, by the editor's names of keys. */
export const SHORTCUTS: ReadonlyMap<string, Chord> = new Map<string, Chord>([
  ...NUMBERS.map((number) => [`M-${number % 10}`, { kind: "room", number }] as const),
  ["M-n", { kind: "beside", step: 1 }],
  ["M-p", { kind: "beside", step: -1 }],
  ["M-a", { kind: "activity" }],
]);
