import type { Direct } from "../protocol.ts";
import type { ChatParts } from "./parts.ts";
import type { ChatWindow } from "./windows.ts";

// What a private conversation tells of the other person: who has a name today need not be who had it.

/** Somebody left a room. */
export function partnerLeft({ board, state }: ChatParts, name: string, room: string): void {
  const window = board.windows.find({ kind: "private", name });
  if (window === undefined || state.isPresent(name) || !window.partner.left()) return;
  board.add({ kind: "note", text: `${name} left ${room}` }, window);
}

/** Somebody came into a room. */
export function partnerCame({ board }: ChatParts, name: string, room: string): void {
  const window = board.windows.find({ kind: "private", name });
  if (window === undefined || !window.partner.came()) return;
  const text = `Somebody called ${name} joined ${room}: it may be another person than before`;
  board.add({ kind: "note", text }, window);
}

/** Somebody changed their name. Each room that both are in tells it. */
export function partnerRenamed({ board }: ChatParts, from: string, to: string): void {
  const window = board.windows.find({ kind: "private", name: from });
  const other = board.windows.find({ kind: "private", name: to });
  if (window === undefined || other === undefined || window === other) return window?.rename(to);
  // Two people had the name one after the other: their windows are not made one.
  if (!window.partner.left()) return;
  other.partner.changed();
  board.add({ kind: "note", text: `${from} is called ${to} now: another person` }, other);
  board.add({ kind: "note", text: `${from} is called ${to} now: /msg ${to}` }, window);
}

/** Somebody wrote; told before the message itself. */
export function partnerWrote({ board }: ChatParts, window: ChatWindow, direct: Direct): void {
  const { sender, verified } = direct;
  const told = window.partner.wrote(verified === true);
  if (told === undefined) return;
  const text = told === "proved"
    ? `A token proves that this is the same ${sender} as before`
    : `This may be another person called ${sender} than before`;
  board.add({ kind: "note", text }, window);
}
