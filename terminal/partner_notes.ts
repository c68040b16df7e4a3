import type { Direct } from "../protocol.ts";
import type { ChatContext } from "./chat_context.ts";
import type { ChatWindow } from "./windows.ts";

// What a private conversation tells of the other person: who has a name today need not be who had it.

/** Somebody left a room. */
export function partnerLeft({ windows, roster }: ChatContext, name: string, room: string): void {
  const window = windows.list.find({ kind: "private", name });
  if (window === undefined || roster.isPresent(name) || !window.partner.left()) return;
  windows.add({ kind: "note", text: `${name} left ${room}` }, window);
}

/** Somebody came into a room. */
export function partnerCame({ windows, clock }: ChatContext, name: string, room: string): void {
  const window = windows.list.find({ kind: "private", name });
  if (window === undefined || !window.partner.came(clock.now())) return;
  const text = `Somebody called ${name} joined ${room}: it may be another person than before`;
  windows.add({ kind: "note", text }, window);
}

/**
 * The connection broke, or came back to a room: what is known of the people in rooms was true until
 * now, or is true from now on.
 */
export function partnersListed({ windows, clock, roster }: ChatContext, room?: string): void {
  for (const window of windows.list.all) {
    const { place, partner } = window;
    if (place.kind !== "private") continue;
    const { name } = place;
    if (!partner.listed(roster.isPresent(name), clock.now()) || room === undefined) continue;
    const text = `Somebody called ${name} is in ${room}: it may be another person than before`;
    windows.add({ kind: "note", text }, window);
  }
}

/** The hub said that nobody has the name. */
export function partnerUnknown({ windows }: ChatContext, name: string): void {
  windows.list.find({ kind: "private", name })?.partner.unknown();
}

/** Somebody changed their name. Each room that both are in tells it. */
export function partnerRenamed({ windows }: ChatContext, from: string, to: string): void {
  const window = windows.list.find({ kind: "private", name: from });
  const other = windows.list.find({ kind: "private", name: to });
  if (window === undefined) return;
  if (other === undefined || window === other) {
    window.rename(to);
    return windows.add({ kind: "note", text: `${from} is called ${to} now` }, window);
  }
  // Two people had the name one after the other: their windows are not made one.
  if (!window.partner.left()) return;
  other.partner.changed();
  windows.add({ kind: "note", text: `${from} is called ${to} now: another person` }, other);
  windows.add({ kind: "note", text: `${from} is called ${to} now: /msg ${to}` }, window);
}

/** Somebody wrote; told before the message itself. */
export function partnerWrote(
  { windows, clock }: ChatContext,
  window: ChatWindow,
  direct: Direct,
): void {
  const { sender, verified } = direct;
  const told = window.partner.wrote(verified === true, clock.now());
  if (told === undefined) return;
  const text = told === "proved"
    ? `A token proves that this is the same ${sender} as before`
    : `This may be another person called ${sender} than before`;
  windows.add({ kind: "note", text }, window);
}
