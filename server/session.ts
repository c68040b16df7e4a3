import { createHash } from "node:crypto";
import type { Grant } from "../auth/authorizer.ts";
import type { Sanction } from "./moderation/sanction_store.ts";
import type { Connection } from "./connection.ts";
import type { Room } from "./room.ts";

const SECRET_BYTES = 16;
const SECRET = /^[A-Za-z0-9_-]{22}$/;

/** A new resume secret: 128 random bits. */
export function newSecret(): string {
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES))
    .toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Whether `text` could be a secret of this or an earlier hub. */
export function isSecret(text: string): boolean {
  return SECRET.test(text);
}

/** One identity at the hub: a name, its rooms, its private mail. Outlives its connection by the grace time. */
export class Session {
  /** Set right after construction, by whoever knows the name book. */
  name = "";
  /** The name that was last asked for, which may have been taken. */
  requestedName: string | undefined;
  /** Whether the name was given by the hub, so that a first message may still name its sender. */
  guest = true;
  /** The connection, while there is one. */
  connection: Connection | undefined;
  /** Where the connection comes from, or the last one came from. */
  address: string | undefined;
  /** In the order of joining: the first is where messages without a room go. */
  readonly rooms: Room[] = [];
  /** Whether its own messages come back to it. */
  echo = true;
  /** Whether it is over: a request that was under way may still find it. */
  ended = false;
  /** When a session without a connection ends, in milliseconds since the Unix epoch. */
  expiresAt = Infinity;
  /** Encoded private messages that came while there was no connection. */
  pendingDirects: string[] = [];
  /** All sessions, this one among them, of the person whose name a token fixed. */
  siblingSessions: Set<Session> | undefined;
  /** Why it may not write; may have run out. */
  activeMute: Sanction | undefined;
  #key: string | undefined;

  /**
   * @param grant what it may do; a fresh token may renew it.
   * @param observer whether it only listens: it has no name, and nobody is told of it.
   */
  constructor(readonly secret: string, public grant: Grant, readonly observer = false) {}

  /** The name that its token fixed: only a token with the same may go on with the session. */
  get identity(): string | undefined {
    return this.grant.name;
  }

  /** Names the session in the log without giving its secret away. */
  get key(): string {
    return this.#key ??= createHash("sha256").update(this.secret).digest("base64url").slice(0, 22);
  }

  /** UTF-16 units of mail waiting. */
  get pendingDirectsLength(): number {
    return this.pendingDirects.reduce((sum, frame) => sum + frame.length, 0);
  }
}
