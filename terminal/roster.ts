import {
  type MemberNames,
  membersAfter,
  membersByKey,
  withImpliedChanges,
} from "../chat/presence.ts";
import type { ClientEvent } from "../client/types.ts";
import { nameKey } from "../protocol.ts";

/** Speakers that are remembered for Tab, because the hub does not list the members of large rooms. */
const MAX_SPEAKERS = 200;

/** The people of a room. */
export interface RoomState {
  readonly online: number;
  readonly members: MemberNames;
}

/** The people in the user's rooms, and the latest speakers. */
export class Roster {
  readonly #rooms = new Map<string, RoomState>();
  /** Names by name key; the latest speaker is last. */
  readonly #speakers = new Map<string, string>();

  get rooms(): ReadonlyMap<string, RoomState> {
    return this.#rooms;
  }

  /** All known names: the latest speaker first, then the silent ones by name. */
  get people(): readonly string[] {
    const silent = new Map<string, string>();
    for (const { members = [] } of this.#rooms.values()) {
      for (const [key, name] of members) if (!this.#speakers.has(key)) silent.set(key, name);
    }
    return [
      ...[...this.#speakers.values()].reverse(),
      ...[...silent.values()].sort((a, b) => a.localeCompare(b)),
    ];
  }

  /** Whether a person with that name is in a room that lists its members. */
  isPresent(name: string): boolean {
    const key = nameKey(name);
    return [...this.#rooms.values()].some(({ members }) => members?.has(key));
  }

  /** Returns the event; with a complete list of members, also the joins and leaves it implies. */
  apply(event: ClientEvent): ClientEvent {
    switch (event.type) {
      case "joined": {
        const { room, online, members } = event;
        this.#rooms.set(room, { online, members: members && membersByKey(members) });
        return event;
      }
      case "left":
        this.#rooms.delete(event.room);
        return event;
      case "presence": {
        const known = this.#rooms.get(event.room)?.members;
        const whole = withImpliedChanges(known, event);
        const gone = [...whole.left ?? [], ...(whole.renamed ?? []).map(({ from }) => from)];
        for (const name of gone) this.#speakers.delete(nameKey(name));
        this.#rooms.set(event.room, { online: event.online, members: membersAfter(known, event) });
        return whole;
      }
      case "message":
      case "direct":
        this.#heard(event.sender);
        return event;
      default:
        return event;
    }
  }

  #heard(name: string): void {
    const key = nameKey(name);
    this.#speakers.delete(key);
    this.#speakers.set(key, name);
    if (this.#speakers.size <= MAX_SPEAKERS) return;
    const oldest = this.#speakers.keys().next();
    if (!oldest.done) this.#speakers.delete(oldest.value);
  }
}
