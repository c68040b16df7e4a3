import { createHash } from "node:crypto";
import type { Grant } from "../auth/authorizer.ts";
import type { Origin, Receipt } from "../broker/broker.ts";
import type { Annotations, Content, MessageKind, Publish } from "../protocol.ts";
import type { ServerClock } from "../lib/clock.ts";
import type { Hub } from "./hub.ts";
import { banMessage, closedRoomMessage, muteMessage } from "./moderation/sanction_messages.ts";
import type { Moderation } from "./moderation/moderation.ts";
import { networkOf } from "./limits/networks.ts";
import { annotationsOf, type PendingAppend, type Publisher } from "./publisher.ts";
import type { RoomRefusal } from "./limits/room_limiter.ts";
import type { Sessions } from "./sessions.ts";

/** The name of who gives none and has no token that does. */
export const ANONYMOUS_NAME = "guest";

/** What somebody who is not connected wants to say. */
export interface PublishRequest {
  readonly room: string;
  readonly frame: Publish;
  readonly grant: Grant;
  readonly address: string;
  /** The sender's own mark: the same again within `DEDUPE_MINUTES` is the same message. */
  readonly key?: string;
  /** UTF-16 units of what it came in. */
  readonly size: number;
}

/** What became of a posting. */
export type PublishResult =
  | { readonly kind: "kept"; readonly sender: string; readonly receipt: Receipt }
  /** The name is that of somebody who is here, or of a token. */
  | { readonly kind: "name_taken"; readonly reason: string }
  /** A moderator decided against it; `wait` in seconds, where that ends. */
  | { readonly kind: "barred"; readonly reason: string; readonly wait?: number }
  /** The room does not exist, and cannot come into being. */
  | { readonly kind: "no_room"; readonly refusal: RoomRefusal };

/** What publishing for those who are not connected takes. */
export interface HttpPublisherOptions {
  readonly publisher: Publisher;
  readonly sessions: Sessions;
  readonly moderation: Moderation;
  readonly clock: ServerClock;
  readonly admitRoom: Hub["admitRoom"];
}

/**
 * Publishes for those who send without being here: nobody sees them come or go, and their messages
 * take the same road as everybody's.
 */
export class HttpPublisher {
  constructor(private readonly options: HttpPublisherOptions) {}

  /** Publishes one message; resolves when it is in the log, or could not be stored. Never rejects. */
  async post(posting: PublishRequest): Promise<PublishResult> {
    const { grant, frame } = posting;
    const sender = grant.name ?? frame.sender ?? ANONYMOUS_NAME;
    if (!this.#maySign(grant, frame.sender)) {
      const { sessions } = this.options;
      const reason = grant.name === undefined
        ? sessions.whyTaken(sender)
        : sessions.whyNotOwn(sender);
      return { kind: "name_taken", reason };
    }
    const barred = this.#barred(posting, sender);
    if (barred !== undefined) return barred;
    const noRoom = await this.options.admitRoom(posting.room, posting.address);
    if (noRoom !== undefined) return { kind: "no_room", refusal: noRoom };
    const { promise, resolve } = Promise.withResolvers<Receipt>();
    this.options.publisher.publish(new PendingPublish(posting, sender, resolve));
    return { kind: "kept", sender, receipt: await promise };
  }

  /** Why moderators would not have it: the room is closed, or the sender banned or muted. */
  #barred(
    { room, grant: { admin }, address }: PublishRequest,
    name: string,
  ): PublishResult | undefined {
    const { moderation, clock } = this.options;
    const closure = moderation.closedRoom(room);
    if (closure !== undefined) return { kind: "barred", reason: closedRoomMessage(closure) };
    const sender = { name, address, admin };
    const ban = moderation.activeBan(sender);
    if (ban !== undefined) return { kind: "barred", reason: banMessage(ban) };
    const mute = moderation.activeMute(sender);
    if (mute === undefined) return undefined;
    const now = clock.now();
    return {
      kind: "barred",
      reason: muteMessage(mute, now),
      ...(mute.until === Infinity ? {} : { wait: Math.ceil((mute.until - now) / 1000) }),
    };
  }

  /** Whether a name may be used without being in a room with it. */
  #maySign({ name }: Grant, wanted: string | undefined): boolean {
    const { sessions } = this.options;
    if (name !== undefined) return sessions.own(name);
    // Whoever calls itself by the name of those without one pretends to be nobody.
    return wanted === undefined
      ? !sessions.isOwned(ANONYMOUS_NAME)
      : sessions.isFree(wanted) || wanted === ANONYMOUS_NAME && !sessions.isOwned(wanted);
  }
}

/** A message of the postbox on its way into the log. */
class PendingPublish implements PendingAppend {
  readonly room: string;
  readonly content: Content;
  readonly size: number;
  readonly kind?: MessageKind;
  readonly annotations?: Annotations;
  readonly origin?: Origin;

  constructor(
    posting: PublishRequest,
    readonly sender: string,
    readonly onReceipt: (receipt: Receipt) => void,
  ) {
    const { room, frame, grant, key, size } = posting;
    this.room = room;
    this.content = frame;
    this.size = size;
    if (frame.kind !== undefined) this.kind = frame.kind;
    const annotations = annotationsOf(frame, grant.name !== undefined);
    if (annotations !== undefined) this.annotations = annotations;
    if (key !== undefined) this.origin = { session: scopeOf(posting, sender), ref: key };
  }
}

/**
 * Within what a sender's mark means one message. Two strangers who choose the same mark must not
 * swallow each other's messages: whom a token names is known wherever they are; others are known by
 * their address and the name they give. No session's key has a colon, so nobody's `ref` is found
 * here.
 */
function scopeOf({ grant, address, room }: PublishRequest, sender: string): string {
  const who = grant.name === undefined ? [networkOf(address), sender] : [grant.name];
  const hash = createHash("sha256").update(JSON.stringify([room, ...who])).digest("base64url");
  return `http:${hash.slice(0, 22)}`;
}
