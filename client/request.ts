import {
  encode,
  type HubFrame,
  type Join,
  type Leave,
  nameKey,
  type Ref,
  type TypingRequest,
} from "../protocol.ts";

/** What an entry asks of the hub. */
export type RequestKind = "message" | "direct" | "read" | "nick" | "join" | "leave" | "typing";

/** How an entry of a kind is treated. */
export interface RetryPolicy {
  /**
   * Whether it overtakes the messages: what only asks does, and entering a room; whatever changes
   * what others see stays in the order in which it was asked for.
   */
  readonly urgent: boolean;
  /**
   * What becomes of it when the connection breaks before the answer: it is sent again, forgotten,
   * or given up because sending it again might do it twice.
   */
  readonly whenLost: "again" | "forget" | "doubt";
}

/** How each kind is treated. */
export const RETRY_POLICY: { readonly [K in RequestKind]: RetryPolicy } = {
  // The hub knows a repeated `ref` of a message and keeps the message once.
  message: { urgent: false, whenLost: "again" },
  // A private message is not stored, so the hub could not know it again.
  direct: { urgent: false, whenLost: "doubt" },
  read: { urgent: true, whenLost: "again" },
  nick: { urgent: false, whenLost: "again" },
  leave: { urgent: false, whenLost: "again" },
  join: { urgent: true, whenLost: "again" },
  // Old news by the time the connection is back.
  typing: { urgent: true, whenLost: "forget" },
};

/** One thing to be sent, from the call to the hub's answer. */
export interface ClientRequest {
  /** The `ref` where it has one, else a name of its own. */
  readonly key: Ref;
  readonly kind: RequestKind;
  /** The room it is for, as far as there is one and it is known. */
  readonly room: string | undefined;
  /** What goes out; the same every time, once it went out. */
  text(): string;
  /** Whom a private message is for, by name key. */
  readonly receiver?: string;
  /** Whether a private message was written without a connection. */
  readonly isEarly?: boolean;
  /** Takes the hub's answer; `false` when that is no answer to this. */
  answer(frame: HubFrame): boolean;
  /** It will not be answered. */
  fail(error: Error): void;
  /** How often the hub asked to try again. */
  retries: number;
  /** Its number among all that was sent, the last time it was; 0 before. */
  number: number;
}

/** An entry whose answer is a frame of one type. */
export function queryRequest<T extends HubFrame["type"]>(
  kind: RequestKind,
  frame: { readonly ref: Ref; readonly room?: string },
  answerType: T,
): {
  readonly entry: ClientRequest;
  readonly answered: Promise<Extract<HubFrame, { readonly type: T }>>;
} {
  const { promise, resolve, reject } = Promise.withResolvers<
    Extract<HubFrame, { readonly type: T }>
  >();
  // Encoded now: what the caller does to its objects afterwards is not part of the request.
  const text = encode(frame);
  const entry: ClientRequest = {
    key: frame.ref,
    kind,
    room: frame.room,
    retries: 0,
    number: 0,
    text: () => text,
    answer(answer) {
      if (answer.type !== answerType) return false;
      resolve(answer as Extract<HubFrame, { readonly type: T }>);
      return true;
    },
    fail: reject,
  };
  return { entry, answered: promise };
}

/** A private message. `isEarly`: written without a connection. */
export function directRequest(
  frame: { readonly ref: Ref; readonly to: string },
  isEarly: boolean,
): ReturnType<typeof queryRequest<"direct">> {
  const { entry, answered } = queryRequest("direct", frame, "direct");
  return { entry: { ...entry, receiver: nameKey(frame.to), isEarly }, answered };
}

/**
 * The wish for another name. The hub answers it only when it says no, and tells everybody later, or
 * under the new name alone; but it answers in order. So a ping goes with it, and once that is
 * answered without a no before it, the name is ours.
 */
export function nickRequest(ref: Ref, sender: string, onAccepted: () => void): ClientRequest {
  const text = `${encode({ type: "nick", sender })}\n${encode({ type: "ping", ref })}`;
  return {
    key: ref,
    kind: "nick",
    room: undefined,
    retries: 0,
    number: 0,
    text: () => text,
    answer(frame) {
      if (frame.type !== "pong") return false;
      onAccepted();
      return true;
    },
    // Nobody waits for it: what became of it shows in the events.
    fail: () => {},
  };
}

/** An entry that the hub answers, if at all, with news for everybody rather than by `ref`. */
export function commandRequest(
  kind: RequestKind,
  key: string,
  frame: Join | Leave | TypingRequest,
): ClientRequest {
  const text = encode(frame);
  return {
    key,
    kind,
    room: frame.room,
    retries: 0,
    number: 0,
    text: () => text,
    answer: () => false,
    // Nobody waits for it: what became of it shows in the events.
    fail: () => {},
  };
}
