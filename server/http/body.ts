import type { ServerClock } from "../../lib/clock.ts";

/** Milliseconds that a body may take: a message is small, and who sends it slowly holds a connection. */
export const BODY_TIMEOUT = 10_000;

/** A body, or the status that says why there is none. */
export type Body =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly status: 400 | 408 | 413; readonly reason: string };

/**
 * Reads the body of a request as UTF-8: `limit` bytes at most, within {@linkcode BODY_TIMEOUT}. What
 * goes beyond is not read, and a length that says so beforehand is believed. Never rejects.
 */
export async function readBody(request: Request, limit: number, clock: ServerClock): Promise<Body> {
  const large: Body = {
    ok: false,
    status: 413,
    reason: `A body may take ${limit} bytes here: send less at once`,
  };
  if (Number(request.headers.get("content-length") ?? 0) > limit) return large;
  if (request.body === null) return { ok: true, text: "" };
  const reader = request.body.getReader();
  const { promise: late, resolve } = Promise.withResolvers<"late">();
  const cancel = clock.after(BODY_TIMEOUT, () => resolve("late"));
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  try {
    for (;;) {
      const read = await Promise.race([reader.read(), late]);
      if (read === "late") {
        giveUp(reader);
        const reason = `The body did not come within ${BODY_TIMEOUT / 1000} seconds: send it again`;
        return { ok: false, status: 408, reason };
      }
      if (read.done) break;
      length += read.value.length;
      if (length > limit) {
        giveUp(reader);
        return large;
      }
      chunks.push(read.value);
    }
  } catch {
    // Whatever broke it off, nobody is left who could be told more.
    return { ok: false, status: 400, reason: "The body broke off: send it again" };
  } finally {
    cancel();
  }
  return decode(chunks);
}

function decode(chunks: readonly Uint8Array<ArrayBuffer>[]): Body {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    const text = chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("");
    return { ok: true, text: text + decoder.decode() };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { ok: false, status: 400, reason: "The body is not UTF-8: send text, or JSON" };
  }
}

function giveUp(reader: ReadableStreamDefaultReader<Uint8Array>): void {
  // A connection that is gone already cannot be told that nobody reads it any more.
  reader.cancel().catch(() => undefined);
}
