import {
  type Content,
  encode,
  type HubFrame,
  type MessageKind,
  nameKey,
  type RoomPosition,
  type SenderAnnotations,
} from "../protocol.ts";

export type RequestKind = "message" | "direct" | "read" | "nick" | "join" | "leave" | "typing";

/** How requests of a kind are sent and resent. */
export interface RetryPolicy {
  /** Sent before messages. Requests that others notice keep their order instead. */
  readonly urgent: boolean;
  /** What to do if the connection breaks before the answer; `resume`: resend in the same session. */
  readonly onDisconnect: "retry" | "drop" | "resume";
}

export const RETRY_POLICY: { readonly [K in RequestKind]: RetryPolicy } = {
  // The hub recognises a repeated `key` of a message and stores the message once.
  message: { urgent: false, onDisconnect: "retry" },
  // It remembers those of private messages only in memory: another session may be another hub.
  direct: { urgent: false, onDisconnect: "resume" },
  read: { urgent: true, onDisconnect: "retry" },
  nick: { urgent: false, onDisconnect: "retry" },
  leave: { urgent: false, onDisconnect: "retry" },
  join: { urgent: true, onDisconnect: "retry" },
  // Outdated by the time the client is back online.
  typing: { urgent: true, onDisconnect: "drop" },
};

/** A request, from the call until the hub's answer. */
export interface ClientRequest {
  /** Identifies the hub's answer; unique among all requests of a client. */
  readonly ref: number;
  readonly kind: RequestKind;
  /** The room, if there is one and it is known yet. */
  readonly room: string | undefined;
  /** The frame; does not change once it was sent. */
  text(): string;
  /** The room and position to join. */
  readonly position?: RoomPosition;
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
  /** Whether a connection broke before the hub answered, so that it may have been done. */
  inDoubt: boolean;
}

interface Query<Type extends HubFrame["type"]> {
  readonly request: ClientRequest;
  readonly response: Promise<Extract<HubFrame, { readonly type: Type }>>;
}

/** A request that the hub answers with a frame of type `answerType`. */
export function queryRequest<Type extends HubFrame["type"]>(
  kind: RequestKind,
  frame: { readonly ref: number; readonly room?: string },
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
  frame: { readonly ref: number; readonly to: string },
  sentOffline: boolean,
): Query<"direct"> {
  const { request, response } = queryRequest("direct", frame, "direct");
  return { request: { ...request, receiver: nameKey(frame.to), sentOffline }, response };
}

/** A change of name. @param onAccepted gets the name as the hub spells it. */
export function nickRequest(
  ref: number,
  name: string,
  onAccepted: (name: string) => void,
): ClientRequest {
  return {
    ...newRequest("nick", ref, undefined, encode({ type: "nick", name, ref })),
    answer(frame) {
      if (frame.type !== "ok") return false;
      onAccepted(frame.name ?? name);
      return true;
    },
  };
}

/** A request to join a room; the answer is a `joined` event. */
export function joinRequest(ref: number, position: RoomPosition): ClientRequest {
  const text = encode({ type: "join", ...position, ref });
  return { ...newRequest("join", ref, position.room, text, "joined"), position };
}

/** A request to leave a room; the answer is a `left` event. */
export function leaveRequest(ref: number, room: string): ClientRequest {
  return newRequest("leave", ref, room, encode({ type: "leave", room, ref }), "left");
}

/** Starts or stops a typing indicator. */
export function typingRequest(ref: number, room: string, active: boolean): ClientRequest {
  return newRequest("typing", ref, room, encode({ type: "typing", room, active, ref }), "ok");
}

/** What the hub stores or delivers of a message: its content and annotations, without the rest. */
export function messageFields(
  given: Content & SenderAnnotations & { readonly kind?: MessageKind | undefined },
): Readonly<Record<string, unknown>> {
  const { kind, format, via, message, data } = given;
  const extensions = Object.entries(given).filter(([name]) => name.startsWith("x-"));
  return { kind, format, via, message, data, ...Object.fromEntries(extensions) };
}

/**
 * @param text encoded now, so that later changes by the caller have no effect.
 * @param answerType the type of the hub's answer.
 */
function newRequest(
  kind: RequestKind,
  ref: number,
  room: string | undefined,
  text: string,
  answerType?: HubFrame["type"],
): ClientRequest {
  return {
    ref,
    kind,
    room,
    retries: 0,
    number: 0,
    inDoubt: false,
    text: () => text,
    answer: ({ type }) => type === answerType,
    fail: () => {},
  };
}
