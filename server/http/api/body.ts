import type { Clock } from "../../../lib/clock.ts";
import { ApiProblem } from "./responses.ts";

/** Milliseconds in which a body must arrive: a slow client occupies a connection. */
export const BODY_TIMEOUT = 10_000;

/** The connection is of no further use: the rest of the body is not read. */
const CLOSE = { headers: { connection: "close" } };

/**
 * Reads the body of a request as UTF-8. A body whose `Content-Length` is over the limit is not read.
 *
 * @param limit in bytes.
 * @throws {ApiProblem} if the body is too large, late, incomplete or not UTF-8.
 */
export async function readBody(
  { headers, body }: Request,
  limit: number,
  clock: Pick<Clock, "after">,
): Promise<string> {
  if (Number(headers.get("content-length") ?? 0) > limit) throw tooLarge(limit);
  const reader = body?.getReader();
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(BODY_TIMEOUT, () => {
    const message = `The body did not arrive within ${BODY_TIMEOUT / 1000} seconds: send it again`;
    reject(new ApiProblem(408, "timeout", message, CLOSE));
  });
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  try {
    for (;;) {
      const read = await Promise.race([reader?.read(), timeout]);
      if (read?.value === undefined) return decode(chunks);
      length += read.value.length;
      if (length > limit) throw tooLarge(limit);
      chunks.push(read.value);
    }
  } catch (error) {
    // Fails if the connection is gone, which is as good.
    reader?.cancel().catch(() => undefined);
    if (error instanceof ApiProblem) throw error;
    throw new ApiProblem(400, "bad_frame", "The body is incomplete: send it again");
  } finally {
    cancel();
  }
}

function decode(chunks: readonly Uint8Array<ArrayBuffer>[]): string {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    const text = chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("");
    return text + decoder.decode();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new ApiProblem(400, "bad_frame", "The body is not UTF-8: send text or JSON in UTF-8");
  }
}

function tooLarge(limit: number): ApiProblem {
  const message = `The body is larger than ${limit} bytes: send less at once`;
  return new ApiProblem(413, "too_big", message, CLOSE);
}
