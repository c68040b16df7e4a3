import type { Cancel } from "../lib/clock.ts";
import {
  describeAnswer,
  describeAnswerWithoutUpgrade,
  describeCause,
  type HttpAnswer,
  isKnown,
  maybeTls,
  type ProbeResult,
  statusIn,
  wantsTls,
} from "./probe_messages.ts";
import type { Environment } from "./environment.ts";

/** Bytes of an answer that are read: a sentence, not a page. */
const MAX_SENTENCE_BYTES = 300;

/** Statuses that say why a hub, or a proxy in front of it, opens no WebSocket. */
const TELLING: readonly number[] = [401, 403, 426, 429, 502, 503, 504];

/** Milliseconds that asking why may take: the person is waiting for an error message. */
const ASK_TIMEOUT = 3000;

/**
 * Finds out why a connection never opened.
 *
 * A WebSocket only ever tells the status of an HTTP answer; the hub's own sentence is in its body,
 * so that is asked for once more, without the upgrade.
 */
export async function probe(
  cause: string,
  url: URL,
  seams: Environment,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const status = statusIn(cause);
  if (status !== undefined) {
    const answer = await ask(url, seams, signal);
    // Judged by the first answer, unless a hub or our own relay to it knows more by now; another
    // server's words count only if they are for the same status.
    return describeAnswer(isNewer(answer, status) ? answer : { status }, url);
  }
  if (cause === "") {
    // A browser, which does not tell why. A page may ask the host it came from.
    const answer = await ask(url, seams, signal);
    if (answer !== undefined && TELLING.includes(answer.status)) return describeAnswer(answer, url);
  }
  if (url.protocol === "wss:" && cause !== "" && !isKnown(cause)) {
    // Where an answer over TLS is no upgrade, the runtime tries HTTP/2, and tells of that alone.
    const answer = await ask(url, seams, signal);
    if (answer !== undefined) return describeAnswerWithoutUpgrade(answer, url);
  }
  if (url.protocol === "ws:" && maybeTls(cause) && await speaksTls(url, seams, signal)) {
    return wantsTls(url);
  }
  return describeCause(cause, url);
}

function isNewer(answer: HttpAnswer | undefined, status: number): answer is HttpAnswer {
  if (answer === undefined || answer.status === status) return answer !== undefined;
  return answer.status >= 400 && answer.server?.toLowerCase().startsWith("bcast/") === true;
}

/** Whether a host that was asked without TLS speaks it: then it answers, or shows a certificate. */
async function speaksTls(
  url: URL,
  { clock, fetch }: Environment,
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

/** What the host answers without an upgrade; `undefined` when it does not. */
async function ask(
  url: URL,
  { clock, fetch }: Environment,
  signal: AbortSignal,
): Promise<HttpAnswer | undefined> {
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
    return described(response, await firstBytes(response));
  } catch {
    // Whatever went wrong here, what is known already is worth telling.
    return undefined;
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
