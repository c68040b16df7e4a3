import {
  type ModerationReport,
  type PeopleReport,
  type RoomsReport,
  type SanctionsReport,
  type StatusReport,
  visible,
} from "../protocol.ts";
import { describeAnswer } from "./probe_messages.ts";
import { probe } from "./probe.ts";
import {
  type Reader,
  readMeasures,
  readOrderReport,
  readPeople,
  readRooms,
  readStatus,
} from "./reports.ts";
import { DEFAULT_ENVIRONMENT, type Environment } from "./environment.ts";
import { ConnectError, type ConnectOptions } from "./types.ts";
import { shownUrl } from "./url.ts";

/** How to ask a hub without taking part. */
export interface HubApiOptions {
  /** `ws://` or `wss://` address, as for a conversation. */
  readonly url: URL;
  /** As for a conversation. */
  readonly token?: ConnectOptions["token"];
  /** How to ask; default: as the runtime does. */
  readonly fetch?: Environment["fetch"] | undefined;
  /** Ends what is under way. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds that an answer may take; default {@linkcode ANSWER_TIMEOUT}. */
  readonly timeout?: number | undefined;
}

/** Milliseconds after which a hub counts as not answering. */
const ANSWER_TIMEOUT = 10_000;

/** Ends nothing. */
const NEVER = new AbortController().signal;

/** Bytes of an answer that are read: far above what a hub lists. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * Asks a hub over HTTP: nobody there notices.
 *
 * Everything throws {@linkcode ConnectError} with one line for a person.
 */
export class HubApi {
  constructor(private readonly options: HubApiOptions) {}

  /** The rooms of the hub. */
  rooms(): Promise<RoomsReport> {
    return this.#ask("rooms", readRooms);
  }

  /** Who is there, or in one room. */
  people(room?: string): Promise<PeopleReport> {
    return this.#ask("people", readPeople, room === undefined ? {} : { room });
  }

  /** How the hub is doing. */
  status(): Promise<StatusReport> {
    return this.#ask("status", readStatus);
  }

  /** The bans, mutes and closed rooms, for who may moderate. */
  sanctions(): Promise<SanctionsReport> {
    return this.#ask("admin/bans", readMeasures);
  }

  /** Gives an order below `/api/admin/`, for who may moderate. */
  moderate(what: string, fields: object): Promise<ModerationReport> {
    return this.#ask(`admin/${what}`, readOrderReport, {}, JSON.stringify(fields));
  }

  /** @param body makes it a POST. */
  async #ask<T>(
    what: string,
    read: Reader<T>,
    query: Readonly<Record<string, string>> = {},
    body?: string,
  ): Promise<T> {
    const { url, signal } = this.options;
    const ask = this.options.fetch ?? DEFAULT_ENVIRONMENT.fetch;
    const given = this.options.token;
    const token = typeof given === "function" ? await given() : given;
    const address = apiUrl(url, what, query);
    const timeout = AbortSignal.timeout(this.options.timeout ?? ANSWER_TIMEOUT);
    try {
      const response = await ask(address, {
        ...(body === undefined ? {} : { method: "POST", body }),
        headers: {
          accept: "application/json",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        // The token goes nowhere else.
        redirect: "manual",
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      const answer = await textOf(response);
      if (response.status !== 200) throw this.#refusal(response, answer, body !== undefined);
      const report = read(parsed(answer));
      if (report === undefined) throw this.#notAHub(`HTTP ${response.status} without a report`);
      return report;
    } catch (error) {
      throw await this.#explained(error, timeout);
    }
  }

  async #explained(error: unknown, timeout: AbortSignal): Promise<unknown> {
    if (error instanceof ConnectError) return error;
    const { url, signal } = this.options;
    const options = { cause: error };
    if (signal?.aborted) return new ConnectError("closed", "Interrupted", options);
    if (timeout.aborted) {
      return new ConnectError("network", `The hub at ${shownUrl(url)} does not answer`, options);
    }
    const seams = {
      ...DEFAULT_ENVIRONMENT,
      ...(this.options.fetch && { fetch: this.options.fetch }),
    };
    const { failure, message } = await probe(words(error), url, seams, signal ?? NEVER);
    return new ConnectError(failure, message, options);
  }

  #refusal({ status, headers }: Response, body: string, ordered: boolean): ConnectError {
    const { url } = this.options;
    const server = headers.get("server") ?? "";
    const problem = problemIn(body) ?? sentenceIn(status, server, body);
    // A hub that knows of nothing but the WebSocket says so in plain words.
    if (status === 404 && problem === undefined && /^bcast\b/i.test(server)) {
      const message = `The hub at ${shownUrl(url)} is too old for this: it tells nothing over HTTP`;
      return new ConnectError("unable", message, { code: status });
    }
    const location = headers.get("location");
    const diagnosis = describeAnswer({
      status,
      server,
      ...(problem === undefined ? {} : { sentence: problem }),
      ...(location === null ? {} : { location }),
    }, url);
    if (problem !== undefined && diagnosis.failure === "not-a-hub") {
      // What is wrong with an order says all by itself.
      const message = ordered ? problem : `The hub at ${shownUrl(url)} cannot answer: ${problem}`;
      return new ConnectError("unable", message, { code: status });
    }
    return new ConnectError(diagnosis.failure, diagnosis.message, { code: status });
  }

  #notAHub(what: string): ConnectError {
    const { url } = this.options;
    const message = `No bcast hub at ${shownUrl(url)} (it answered ${what}): check --host and ` +
      "--port";
    return new ConnectError("not-a-hub", message);
  }
}

/** Where a hub with this WebSocket address answers about `what`; without what could be secret. */
export function apiUrl(url: URL, what: string, query: Readonly<Record<string, string>> = {}): URL {
  // `ws://h/ws` and `ws://h/` are one hub; with a path before that, it is behind a proxy.
  const base = url.pathname.replace(/\/ws$/, "").replace(/\/*$/, "/");
  const address = new URL(`${url.protocol === "wss:" ? "https" : "http"}://${url.host}${base}`);
  address.pathname += `api/${what}`;
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
  return address;
}

async function textOf({ body }: Response): Promise<string> {
  if (body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    // Leaving the loop cancels the rest; what is cut off is no JSON.
    if (length > MAX_ANSWER_BYTES) break;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What our own relay to a pinned hub says when it could not get there. */
function sentenceIn(status: number, server: string, body: string): string | undefined {
  const isOwn = (status === 502 || status === 526) && /^bcast\b/i.test(server);
  return isOwn ? visible(body.trim().slice(0, 300)) : undefined;
}

/** The sentence of an answer that is an error of a hub. */
function problemIn(body: string): string | undefined {
  const value = parsed(body) as { readonly error?: { readonly message?: unknown } } | null;
  const message = value?.error?.message;
  // From a stranger, and on its way to a terminal.
  return typeof message === "string" ? visible(message.slice(0, 300)) : undefined;
}

/** What was thrown and why; where the reason stands differs from one version of the runtime to another. */
function words(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? words(error.cause) : error.message;
}
