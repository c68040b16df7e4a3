import type { Cancel } from "./clock.ts";
import {
  diagnose,
  diagnoseHttp,
  type Diagnosis,
  type HttpAnswer,
  maybeTls,
  statusIn,
  wantsTls,
} from "./diagnose.ts";
import type { Seams } from "./seams.ts";

/** Bytes of an answer that are read: a sentence, not a page. */
const MAX_SENTENCE_BYTES = 300;

/** Milliseconds that asking why may take: the person is waiting for an error message. */
const ASK_TIMEOUT = 3000;

/**
 * Finds out why a connection never opened.
 *
 * A WebSocket only ever tells the status of an HTTP answer; the hub's own sentence is in its body,
 * so that is asked for once more, without the upgrade.
 */
export async function explain(
  cause: string,
  url: URL,
  seams: Seams,
  signal: AbortSignal,
): Promise<Diagnosis> {
  const status = statusIn(cause);
  if (status !== undefined) return diagnoseHttp(await ask(status, url, seams, signal), url);
  if (url.protocol === "ws:" && maybeTls(cause) && await speaksTls(url, seams, signal)) {
    return wantsTls(url);
  }
  return diagnose(cause, url);
}

/** Whether a host that was asked without TLS speaks it: then it answers, or shows a certificate. */
async function speaksTls(
  url: URL,
  { clock, fetch }: Seams,
  signal: AbortSignal,
): Promise<boolean> {
  const timeout = new AbortController();
  const cancel: Cancel = clock.after(ASK_TIMEOUT, () => timeout.abort());
  // Without the query: it may hold a token, and nobody knows yet who is there.
  const bare = new URL(`https://${url.host}/`);
  try {
    const response = await fetch(bare, {
      redirect: "manual",
      signal: AbortSignal.any([signal, timeout.signal]),
    });
    await response.body?.cancel();
    return true;
  } catch (error) {
    return /certificate/i.test(wordsOf(error));
  } finally {
    cancel();
  }
}

/** What an error says, with what caused it. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} ${wordsOf(error.cause)}`;
}

async function ask(
  status: number,
  url: URL,
  { clock, fetch }: Seams,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const timeout = new AbortController();
  const cancel: Cancel = clock.after(ASK_TIMEOUT, () => timeout.abort());
  const httpUrl = new URL(url);
  httpUrl.protocol = url.protocol === "wss:" ? "https:" : "http:";
  try {
    const response = await fetch(httpUrl, {
      // The address may hold a token: it goes nowhere else.
      redirect: "manual",
      signal: AbortSignal.any([signal, timeout.signal]),
    });
    // Judged by the first answer; only its words come from this one, and only if it is the same.
    const sentence = await firstBytes(response);
    return response.status === status ? described(response, sentence) : { status };
  } catch {
    // Whatever went wrong here, the status alone is worth telling.
    return { status };
  } finally {
    cancel();
  }
}

function described({ status, headers }: Response, sentence: string): HttpAnswer {
  const isText = headers.get("content-type")?.startsWith("text/plain") === true;
  const server = headers.get("server");
  const location = headers.get("location");
  const retryAfter = Number(headers.get("retry-after") ?? NaN);
  return {
    status,
    ...(isText ? { sentence } : {}),
    ...(server === null ? {} : { server }),
    ...(location === null ? {} : { location }),
    ...(retryAfter >= 0 ? { retryAfter } : {}),
  };
}

/** The beginning of a body, however long that is. */
async function firstBytes({ body }: Response): Promise<string> {
  if (body === null) return "";
  const buffer = new Uint8Array(MAX_SENTENCE_BYTES);
  let filled = 0;
  for await (const chunk of body) {
    const part = chunk.subarray(0, MAX_SENTENCE_BYTES - filled);
    buffer.set(part, filled);
    filled += part.length;
    // Leaving the loop cancels the rest.
    if (filled === MAX_SENTENCE_BYTES) break;
  }
  return new TextDecoder().decode(buffer.subarray(0, filled));
}
