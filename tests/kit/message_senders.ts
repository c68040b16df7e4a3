import type { Server } from "../../server.ts";
import { post } from "./http.ts";
import { type ReceivedFrame, TestSocket } from "./test_socket.ts";
import { until } from "./wait.ts";

/** A message to send. */
export interface Attempt {
  readonly room: string;
  readonly message: string;
  readonly ref?: string;
  readonly key?: string;
}

/** What became of it. */
export type Fate =
  | { readonly kind: "stored" | "duplicate"; readonly id: number }
  | { readonly kind: "key_reused" };

/** Sends messages as one person, by one transport. */
export interface MessageSender extends AsyncDisposable {
  /** Resolves with the hub's answer; throws if that contradicts the protocol. */
  send(attempt: Attempt): Promise<Fate>;
}

/** Sends through a connection that is in the rooms. */
export class SocketSender implements MessageSender {
  constructor(readonly socket: TestSocket, readonly session: string) {}

  async send(attempt: Attempt): Promise<Fate> {
    const { socket } = this;
    const start = socket.frames.length;
    socket.send({ type: "message", ...attempt });
    const answered = attempt.ref !== undefined || attempt.key !== undefined;
    const wanted = answered ? ["ack", "error"] : ["message", "error"];
    const frame = await until(
      "an answer",
      () =>
        frames(socket, start).find(({ type, message }) =>
          wanted.includes(type ?? "") && (type !== "message" || message === attempt.message)
        ),
    );
    if (frame["ref"] !== attempt.ref) throw new Error(`wrong ref: ${JSON.stringify(frame)}`);
    if (frame.type === "error") return readError(frame["code"]);
    const room = attempt.room;
    if (frame["room"] !== room) throw new Error(`wrong room: ${JSON.stringify(frame)}`);
    return { kind: frame["duplicate"] === true ? "duplicate" : "stored", id: Number(frame["id"]) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.socket.close();
  }
}

/** Sends requests. */
export class HttpSender implements MessageSender {
  /** @param sender the name in the messages. */
  constructor(
    private readonly hub: Server,
    private readonly sender: string,
    private readonly headers: Record<string, string> = {},
  ) {}

  async send({ room, message, ref, key }: Attempt): Promise<Fate> {
    const { sender, headers } = this;
    const keyed = key === undefined ? {} : { "idempotency-key": key };
    const told = await post(this.hub, room, { message, sender, ref }, { ...headers, ...keyed });
    if (told.status === 422) return readError(told.body.error.code);
    if (told.status !== 200 && told.status !== 201) throw new Error(JSON.stringify(told.body));
    return { kind: told.status === 200 ? "duplicate" : "stored", id: told.body.id };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

function frames(socket: TestSocket, start: number): readonly ReceivedFrame[] {
  return socket.frames.slice(start).map((text) => JSON.parse(text) as ReceivedFrame);
}

function readError(code: unknown): Fate {
  if (code !== "key_reused") throw new Error(`refused: ${code}`);
  return { kind: code };
}
