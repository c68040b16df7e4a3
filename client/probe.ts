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

/** Bytes of an answer that are read: enough for a sentence. */
const MAX_SENTENCE_BYTES = 300;

/** Statuses that explain why a hub, or a proxy in front of it, opens no WebSocket. */
const EXPLAINED: readonly number[] = [401, 403, 426, 429, 502, 503, 504];

/** Milliseconds for a probe: the user is waiting for an error message. */
const ASK_TIMEOUT = 3000;

/**
 * Finds out why a connection never opened.
 *
 * A WebSocket reports only the status of an HTTP answer, but the hub's explanation is in the body. So
 * this repeats the request without the upgrade.
 */
export async function probe(
  cause: string,
  url: URL,
  environment: Environment,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const status = statusIn(cause);
  if (status !== undefined) {
    const answer = await ask(url, environment, signal);
    // The first answer counts, unless a hub or our own proxy to it now says more. The answer of
    // another server counts only with the same status.
    return describeAnswer(isNewer(answer, status) ? answer : { status }, url);
  }
  if (cause === "") {
    // A browser gives no reason, but a page may send requests to its own host.
    const answer = await ask(url, environment, signal);
    if (answer !== undefined && EXPLAINED.includes(answer.status)) {
      return describeAnswer(answer, url);
    }
  }
  if (url.protocol === "wss:" && cause !== "" && !isKnown(cause)) {
    // If an answer over TLS is no upgrade, the runtime tries HTTP/2 and reports only that error.
    const answer = await ask(url, environment, signal);
    if (answer !== undefined) return describeAnswerWithoutUpgrade(answer, url);
  }
  if (url.protocol === "ws:" && maybeTls(cause) && await speaksTls(url, environment, signal)) {
    return wantsTls(url);
  }
  return describeCause(cause, url);
}

function isNewer(answer: HttpAnswer | undefined, status: number): answer is HttpAnswer {
  if (answer === undefined || answer.status === status) return answer !== undefined;
  return answer.status >= 400 && answer.server?.toLowerCase().startsWith("bcast/") === true;
}

/** Whether the host of a `ws://` address supports TLS: it answers, or presents a certificate. */
async function speaksTls(
  url: URL,
  { clock, fetch }: Environment,
  signal: AbortSignal,
): Promise<boolean> {
  const timeout = new AbortController();
  const cancel: Cancel = clock.after(ASK_TIMEOUT, () => timeout.abort());
  // Without the query, which may hold a token: the host is not known yet.
  const bare = new URL(`https://${url.host}/`);
  try {
    const response = await fetch(bare, {
      redirect: "manual",
      signal: AbortSignal.any([signal, timeout.signal]),
    });
    await response.body?.cancel();
    return true;
  } catch (error) {
    return /certificate/i.test(errorText(error));
  } finally {
    cancel();
  }
}

/** The messages of an error and its causes. */
function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} ${errorText(error.cause)}`;
}

/** The host's answer without an upgrade; `undefined` if there is none. */
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
      // The address may hold a token, which no other host should get.
      redirect: "manual",
      signal: AbortSignal.any([signal, timeout.signal]),
    });
    return httpAnswer(response, await firstBytes(response));
  } catch {
    // The original error is still worth reporting.
    return undefined;
  } finally {
    cancel();
  }
}

function httpAnswer({ status, headers }: Response, sentence: string): HttpAnswer {
  const isText = headers.get("content-type")?.startsWith("text/plain") === true;
  const retryAfter = Number(headers.get("retry-after") ?? NaN);
  return {
    status,
    sentence: isText ? sentence : undefined,
    server: headers.get("server") ?? undefined,
    location: headers.get("location") ?? undefined,
    retryAfter: retryAfter >= 0 ? retryAfter : undefined,
  };
}

/** The beginning of a body of any length. */
async function firstBytes({ body }: Response): Promise<string> {
  if (body === null) return "";
  const buffer = new Uint8Array(MAX_SENTENCE_BYTES);
  let filled = 0;
  for await (const chunk of body) {
    const part = chunk.subarray(0, MAX_SENTENCE_BYTES - filled);
    buffer.set(part, filled);
    filled += part.length;
    // Leaving the loop cancels the stream.
    if (filled === MAX_SENTENCE_BYTES) break;
  }
  return new TextDecoder().decode(buffer.subarray(0, filled));
}
