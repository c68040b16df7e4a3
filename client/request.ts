import {
  encode,
  type HubFrame,
  type Join,
  type Leave,
  nameKey,
  type Ref,
  type TypingRequest,
} from "../protocol.ts";

export type RequestKind = "message" | "direct" | "read" | "nick" | "join" | "leave" | "typing";

/** How requests of a kind are sent and resent. */
export interface RetryPolicy {
  /** Sent before messages. Requests that others notice keep their order instead. */
  readonly urgent: boolean;
  /** What to do if the connection breaks before the answer. */
  readonly onDisconnect: "retry" | "drop" | "fail";
}

export const RETRY_POLICY: { readonly [K in RequestKind]: RetryPolicy } = {
  // The hub recognises a repeated `ref` of a message and stores the message once.
  message: { urgent: false, onDisconnect: "retry" },
  // Private messages are not stored, so the hub could not recognise a repeat.
  direct: { urgent: false, onDisconnect: "fail" },
  read: { urgent: true, onDisconnect: "retry" },
  nick: { urgent: false, onDisconnect: "retry" },
  leave: { urgent: false, onDisconnect: "retry" },
  join: { urgent: true, onDisconnect: "retry" },
  // Outdated by the time the client is back online.
  typing: { urgent: true, onDisconnect: "drop" },
};

/** A request, from the call until the hub's answer. */
export interface ClientRequest {
  /** The `ref`, or a unique key for requests without one. */
  readonly key: Ref;
  readonly kind: RequestKind;
  /** The room, if there is one and it is known yet. */
  readonly room: string | undefined;
  /** The frame; does not change once it was sent. */
  text(): string;
  /** The name key of the receiver of a private message. */
  readonly receiver?: string;
  /** Whether a private message was written while offline. */
  readonly sentOffline?: boolean;
  /** Resolves the request; `false` if `frame` is not an answer to it. */
  answer(frame: HubFrame): boolean;
  fail(error: Error): void;
  /** Retries after temporary errors of the hub. */
  retries: number;
  /** Its number among all sent frames, when last sent; 0 before. */
  number: number;
}

interface Query<Type extends HubFrame["type"]> {
  readonly request: ClientRequest;
  readonly response: Promise<Extract<HubFrame, { readonly type: Type }>>;
}

/** A request that the hub answers with a frame of type `answerType`. */
export function queryRequest<Type extends HubFrame["type"]>(
  kind: RequestKind,
  frame: { readonly ref: Ref; readonly room?: string },
  answerType: Type,
): Query<Type> {
  const { promise, resolve, reject } = Promise.withResolvers<
    Extract<HubFrame, { readonly type: Type }>
  >();
  const request: ClientRequest = {
    ...newRequest(kind, frame.ref, frame.room, encode(frame)),
    answer(answer) {
      if (answer.type !== answerType) return false;
      resolve(answer as Extract<HubFrame, { readonly type: Type }>);
      return true;
    },
    fail: reject,
  };
  return { request, response: promise };
}

/** A private message. */
export function directRequest(
  frame: { readonly ref: Ref; readonly to: string },
  sentOffline: boolean,
): Query<"direct"> {
  const { request, response } = queryRequest("direct", frame, "direct");
  return { request: { ...request, receiver: nameKey(frame.to), sentOffline }, response };
}

/**
 * A change of name. The hub does not confirm it with a `ref`, but it answers in order: once the ping
 * sent with it is answered without an error before, the name is accepted.
 */
export function nickRequest(ref: Ref, sender: string, onAccepted: () => void): ClientRequest {
  const text = `${encode({ type: "nick", sender })}\n${encode({ type: "ping", ref })}`;
  return {
    ...newRequest("nick", ref, undefined, text),
    answer(frame) {
      if (frame.type !== "pong") return false;
      onAccepted();
      return true;
    },
  };
}

/** A request whose result shows in events rather than in an answer with its `ref`. */
export function commandRequest(
  kind: RequestKind,
  key: string,
  frame: Join | Leave | TypingRequest,
): ClientRequest {
  return newRequest(kind, key, frame.room, encode(frame));
}

/** The outbox key of a request to join `room`. */
export function joinKey(room: string): string {
  return `join ${room}`;
}

/** The outbox key of a request to leave `room`. */
export function leaveKey(room: string): string {
  return `leave ${room}`;
}

/** @param text encoded now, so that later changes by the caller have no effect. */
function newRequest(
  kind: RequestKind,
  key: Ref,
  room: string | undefined,
  text: string,
): ClientRequest {
  return {
    key,
    kind,
    room,
    retries: 0,
    number: 0,
    text: () => text,
    answer: () => false,
    fail: () => {},
  };
}
