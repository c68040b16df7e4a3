import type { Grant } from "../auth/authorizer.ts";
import type { Origin, Receipt } from "../broker/broker.ts";
import type { Annotations, Content, MessageKind, Publish } from "../protocol.ts";
import type { Clock } from "../lib/clock.ts";
import type { RoomRefusal } from "./limits/room_limiter.ts";
import { accountScope, guestScope, sessionScope } from "./key_scope.ts";
import { banMessage, closedRoomMessage, muteMessage } from "./moderation/sanction_messages.ts";
import type { Moderation } from "./moderation/moderation.ts";
import { annotationsOf, type PendingAppend, type Publisher } from "./publisher.ts";
import type { Sessions } from "./sessions.ts";

/** The sender's name if neither the message nor the token gives one. */
export const ANONYMOUS_NAME = "guest";

/** A message from a client that is not connected. */
export interface PublishRequest {
  readonly room: string;
  readonly frame: Publish;
  readonly grant: Grant;
  readonly address: string;
  /** The same key again within `DEDUPE_MINUTES` is the same message. */
  readonly key?: string | undefined;
  /** The secret of the sender's session, for senders without an account. */
  readonly session?: string | undefined;
  /** UTF-16 units of the request. */
  readonly size: number;
}

export type PublishResult =
  | { readonly kind: "published"; readonly sender: string; readonly receipt: Receipt }
  /** A connected client or a token has the name. */
  | { readonly kind: "name_taken"; readonly reason: string }
  /** A sanction forbids it; `wait` in seconds if it ends. */
  | { readonly kind: "forbidden"; readonly reason: string; readonly wait?: number | undefined }
  /** The room does not exist and cannot be created. */
  | { readonly kind: "no_room"; readonly refusal: RoomRefusal };

export interface HttpPublisherOptions {
  readonly publisher: Publisher;
  readonly sessions: Sessions;
  readonly moderation: Moderation;
  readonly clock: Clock;
  readonly admitRoom: (
    room: string,
    address: string,
  ) => RoomRefusal | undefined | Promise<RoomRefusal | undefined>;
}

/** Publishes messages of clients that are not connected. */
export class HttpPublisher {
  constructor(private readonly options: HttpPublisherOptions) {}

  /** Resolves when the message is stored, or could not be. Never rejects. */
  async publish(request: PublishRequest): Promise<PublishResult> {
    const { grant, frame } = request;
    const { sessions } = this.options;
    const session = request.session === undefined
      ? undefined
      : sessions.withSecret(request.session, grant);
    const sender = grant.name ?? session?.name ?? frame.sender ?? ANONYMOUS_NAME;
    if (session === undefined && !this.#mayUseName(grant, frame.sender)) {
      const reason = grant.name === undefined
        ? sessions.whyTaken(sender)
        : sessions.whyNotOwn(sender);
      return { kind: "name_taken", reason };
    }
    const forbidden = this.#forbidden(request, sender);
    if (forbidden !== undefined) return forbidden;
    const refusal = await this.options.admitRoom(request.room, request.address);
    if (refusal !== undefined) return { kind: "no_room", refusal };
    const { promise, resolve } = Promise.withResolvers<Receipt>();
    this.options.publisher.publish(new PendingPublish(request, sender, resolve));
    return { kind: "published", sender, receipt: await promise };
  }

  /** Set if the room is closed, or the sender banned or muted. */
  #forbidden(
    { room, grant: { admin }, address }: PublishRequest,
    name: string,
  ): PublishResult | undefined {
    const { moderation, clock } = this.options;
    const closed = moderation.closedRoom(room);
    if (closed !== undefined) return { kind: "forbidden", reason: closedRoomMessage(closed) };
    const sender = { name, address, admin };
    const ban = moderation.activeBan(sender);
    if (ban !== undefined) return { kind: "forbidden", reason: banMessage(ban) };
    const mute = moderation.activeMute(sender);
    if (mute === undefined) return undefined;
    const now = clock.now();
    const wait = mute.until === Infinity ? undefined : Math.ceil((mute.until - now) / 1000);
    return { kind: "forbidden", reason: muteMessage(mute, now), wait };
  }

  #mayUseName({ name }: Grant, wanted: string | undefined): boolean {
    const { sessions } = this.options;
    if (name !== undefined) return sessions.own(name);
    // Anyone may use the anonymous name unless a token reserves it.
    if (wanted === undefined || wanted === ANONYMOUS_NAME) {
      return !sessions.isOwned(ANONYMOUS_NAME);
    }
    return sessions.isFree(wanted);
  }
}

class PendingPublish implements PendingAppend {
  readonly room: string;
  readonly content: Content;
  readonly size: number;
  readonly kind: MessageKind | undefined;
  readonly annotations: Annotations | undefined;
  readonly origin: Origin | undefined;

  constructor(
    request: PublishRequest,
    readonly sender: string,
    readonly onReceipt: (receipt: Receipt) => void,
  ) {
    const { room, frame, grant, key, size } = request;
    this.room = room;
    this.content = frame;
    this.size = size;
    this.kind = frame.kind;
    this.annotations = annotationsOf(frame, grant.name);
    this.origin = key === undefined ? undefined : { sender: keyScopeOf(request, sender), key };
  }
}

/** The sender that the key of a request belongs to: as for messages over a WebSocket, if possible. */
function keyScopeOf({ grant, address, session }: PublishRequest, sender: string): string {
  if (grant.name !== undefined) return accountScope(grant.name);
  return session === undefined ? guestScope(address, sender) : sessionScope(session);
}
