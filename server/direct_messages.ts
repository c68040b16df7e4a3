import type { Clock } from "../lib/clock.ts";
import { type Direct, type DirectRequest, type Ref, RETURN_SECONDS } from "../protocol.ts";
import type { Connection, Session } from "./connection.ts";
import type { Refusal } from "./refusal.ts";
import { DirectKeys, type SentDirect } from "./direct_keys.ts";
import type { Sessions } from "./sessions.ts";

/** UTF-16 units of private messages kept for a session in its grace time. */
const MAX_PENDING_LENGTH = 256 * 1024;

/** Delivers private messages. They are never stored in the log. */
export class DirectMessages {
  readonly #startedAt: number;
  readonly #keys: DirectKeys;

  constructor(private readonly sessions: Sessions, private readonly clock: Clock) {
    this.#startedAt = clock.now();
    this.#keys = new DirectKeys(clock);
  }

  /** Delivers `frame` to all sessions of its receiver, and a copy to its sender. */
  send(connection: Connection, session: Session, frame: DirectRequest): void {
    // Before all else: meanwhile, the receiver may have left.
    const sent = this.#keys.find(session.keyScope, frame);
    if (sent === "reused") {
      const message =
        "The key was used for another private message: use a new key for each message";
      return refuse(connection, frame, { code: "key_reused", message });
    }
    if (sent !== undefined) {
      const copy = directOf(frame, session, sent);
      return connection.sendControl({ ...copy, ...refOf(frame), duplicate: true });
    }
    const receiver = this.sessions.find(frame.to);
    if (receiver === undefined || !maySee(session, receiver)) {
      const message = `No one here is called ${frame.to}: check who is online`;
      const retryAfter = this.#isStarting() ? 1 : undefined;
      return refuse(connection, frame, { code: "no_such_user", message, retryAfter });
    }
    if (!mayAddress(session, receiver)) {
      const message =
        `Your token does not let you write to ${receiver.name}: ask for one that does`;
      return refuse(connection, frame, { code: "forbidden", message });
    }
    const forReceiver = directOf(frame, session, {
      sender: session.name,
      to: receiver.name,
      timestamp: new Date(this.clock.now()).toISOString(),
    });
    const json = JSON.stringify(forReceiver);
    const isFull = (sibling: Session): boolean =>
      sibling.connection === undefined &&
      sibling.pendingDirectsLength + json.length > MAX_PENDING_LENGTH;
    const siblings = siblingsOf(receiver);
    if ([...siblings].every(isFull)) {
      const message = `${receiver.name} is away and has too many unread messages: try again later`;
      return refuse(connection, frame, { code: "rate_limited", message, retryAfter: 10 });
    }
    for (const sibling of siblings) {
      if (sibling === session || isFull(sibling)) continue;
      if (sibling.connection === undefined) sibling.pendingDirects.push(json);
      else sibling.connection.sendControl(forReceiver);
    }
    this.#keys.add(session.keyScope, frame, forReceiver);
    connection.sendControl({ ...forReceiver, ...refOf(frame) });
  }

  /** The exact spelling of a name, if `session` may know that its owner is here. */
  findVisible(session: Session | undefined, name: string): string | undefined {
    const found = this.sessions.find(name);
    if (session === undefined || found === undefined) return undefined;
    return maySee(session, found) ? found.name : undefined;
  }

  /** Whether clients from before a restart of the hub may still be reconnecting. */
  #isStarting(): boolean {
    return this.clock.now() - this.#startedAt < RETURN_SECONDS * 1000;
  }
}

/** The message as its receiver gets it: the content of `frame`, with the fields of `sent`. */
function directOf(frame: DirectRequest, { identity }: Session, sent: SentDirect): Direct {
  const { ref: _ref, key: _key, ...content } = frame;
  const { sender, to, timestamp } = sent;
  return {
    ...content,
    to,
    sender,
    ...(identity === undefined ? {} : { account: identity }),
    timestamp,
  };
}

function refOf({ ref }: DirectRequest): { readonly ref?: Ref } {
  return ref === undefined ? {} : { ref };
}

function refuse(connection: Connection, frame: DirectRequest, refusal: Refusal): void {
  connection.refuse({ ...refusal, re: "direct", ...refOf(frame) });
}

/** All sessions of the same person. */
function siblingsOf(session: Session): Iterable<Session> {
  return session.siblingSessions ?? [session];
}

/** Whether `session` may know that `other` is here: a token for some rooms shows only those. */
function maySee({ grant: { rights } }: Session, other: Session): boolean {
  return rights.unlimited || isInRoom(other, (room) => rights.mayRead(room));
}

/** Whether `session` may write to `other`: only if it could do so in a room that `other` is in. */
function mayAddress({ grant: { rights } }: Session, other: Session): boolean {
  return rights.unlimited || isInRoom(other, (room) => rights.mayWrite(room));
}

function isInRoom(session: Session, permits: (room: string) => boolean): boolean {
  for (const { rooms } of siblingsOf(session)) if (rooms.some(permits)) return true;
  return false;
}
