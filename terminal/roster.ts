import type { ClientEvent } from "../client/types.ts";
import { nameKey } from "../protocol.ts";

/** Speakers that are remembered for Tab, because the hub does not list the members of large rooms. */
const MAX_SPEAKERS = 200;

/** The people of a room. */
export interface RoomState {
  readonly online: number;
  /** Names by name key; empty if the room is too large to list them. */
  readonly members: ReadonlyMap<string, string>;
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
    for (const { members } of this.#rooms.values()) {
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
    return [...this.#rooms.values()].some(({ members }) => members.has(key));
  }

  apply(event: ClientEvent): void {
    switch (event.type) {
      case "joined": {
        const { room, online, members = [] } = event;
        this.#rooms.set(room, { online, members: byKey(members) });
        break;
      }
      case "left":
        this.#rooms.delete(event.room);
        break;
      case "presence": {
        const members = new Map(this.#rooms.get(event.room)?.members);
        const drop = (names: readonly string[] = []): void =>
          names.forEach((name) => {
            members.delete(nameKey(name));
            this.#speakers.delete(nameKey(name));
          });
        drop(event.left);
        drop(event.renamed?.map(({ from }) => from));
        const came = [...event.joined ?? [], ...(event.renamed ?? []).map(({ to }) => to)];
        for (const [key, name] of byKey(came)) members.set(key, name);
        this.#rooms.set(event.room, { online: event.online, members });
        break;
      }
      case "message":
      case "direct":
        this.#heard(event.sender);
        break;
      default:
        break;
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

function byKey(names: readonly string[]): Map<string, string> {
  return new Map(names.map((name) => [nameKey(name), name]));
}
