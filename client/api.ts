import {
  type MembersReport,
  type ModerationReport,
  type Reports,
  type RoomsReport,
  type SanctionsReport,
  type StatusReport,
  visible,
} from "../protocol.ts";
import { describeAnswer } from "./probe_messages.ts";
import { probe } from "./probe.ts";
import { DEFAULT_ENVIRONMENT, type Environment } from "./environment.ts";
import { ConnectError, type ConnectOptions } from "./types.ts";
import { shownUrl } from "./url.ts";

/** Options of {@linkcode HubApi}. */
export interface HubApiOptions {
  /** The `ws://` or `wss://` address, as for a connection. */
  readonly url: URL;
  /** As for a connection. */
  readonly token?: ConnectOptions["token"] | undefined;
  /** Default: the runtime's own. */
  readonly fetch?: Environment["fetch"] | undefined;
  /** Aborts requests under way. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until a request fails; default {@linkcode ANSWER_TIMEOUT}. */
  readonly timeout?: number | undefined;
}

/** Milliseconds after which a hub counts as not answering. */
const ANSWER_TIMEOUT = 10_000;

const NEVER = new AbortController().signal;

/** Bytes of an answer that are read: far more than a hub lists. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * A client of the hub's HTTP API. Clients in rooms do not notice it.
 *
 * Every method throws {@linkcode ConnectError} with one line for a person.
 */
export class HubApi {
  constructor(private readonly options: HubApiOptions) {}

  rooms(): Promise<RoomsReport> {
    return this.#ask("rooms", "Rooms");
  }

  /** The members of one room, or of all. */
  members(room?: string): Promise<MembersReport> {
    return this.#ask("people", "Members", { query: room === undefined ? {} : { room } });
  }

  status(): Promise<StatusReport> {
    return this.#ask("status", "Status");
  }

  /** The bans, mutes and closed rooms; for moderators only. */
  sanctions(): Promise<SanctionsReport> {
    return this.#ask("admin/bans", "Measures");
  }

  /** Runs a command below `/api/admin/`; for moderators only. */
  moderate(command: string, fields: object): Promise<ModerationReport> {
    return this.#ask(`admin/${command}`, "Order", { body: JSON.stringify(fields) });
  }

  /** @param body makes it a POST. */
  async #ask<Name extends keyof Reports>(
    path: string,
    report: Name,
    { query, body }: { readonly query?: Record<string, string>; readonly body?: string } = {},
  ): Promise<Reports[Name]> {
    const { url, signal, fetch = DEFAULT_ENVIRONMENT.fetch, token: given } = this.options;
    const token = typeof given === "function" ? await given() : given;
    const headers = new Headers({ accept: "application/json" });
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    if (body !== undefined) headers.set("content-type", "application/json");
    const timeout = AbortSignal.timeout(this.options.timeout ?? ANSWER_TIMEOUT);
    try {
      const response = await fetch(apiUrl(url, path, query), {
        ...(body === undefined ? {} : { method: "POST", body }),
        headers,
        // The token must not follow a redirect.
        redirect: "manual",
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      const answer = await textOf(response);
      if (response.status !== 200) throw this.#refusal(response, answer, body !== undefined);
      // Loaded on use: the schema library must not slow down the start of every command.
      const { readReport } = await import("../protocol/http_api.ts");
      const result = readReport(report, parsed(answer));
      if (result === undefined) throw this.#notAHub(`HTTP ${response.status} without a report`);
      return result;
    } catch (error) {
      throw await this.#explained(error, timeout);
    }
  }

  async #explained(error: unknown, timeout: AbortSignal): Promise<unknown> {
    if (error instanceof ConnectError) return error;
    const { url, signal, fetch = DEFAULT_ENVIRONMENT.fetch } = this.options;
    const options = { cause: error };
    if (signal?.aborted) return new ConnectError("closed", "Interrupted", options);
    if (timeout.aborted) {
      return new ConnectError("network", `The hub at ${shownUrl(url)} does not answer`, options);
    }
    const environment = { ...DEFAULT_ENVIRONMENT, fetch };
    const { failure, message } = await probe(words(error), url, environment, signal ?? NEVER);
    return new ConnectError(failure, message, options);
  }

  #refusal({ status, headers }: Response, body: string, isCommand: boolean): ConnectError {
    const { url } = this.options;
    const server = headers.get("server") ?? "";
    const problem = problemIn(body) ?? relayError(status, server, body);
    // A hub without an HTTP API answers in plain text.
    if (status === 404 && problem === undefined && /^bcast\b/i.test(server)) {
      const message = `The hub at ${shownUrl(url)} is too old for this: it has no HTTP API`;
      return new ConnectError("unsupported", message, { code: status });
    }
    const location = headers.get("location");
    const { failure, message } = describeAnswer({
      status,
      server,
      ...(problem === undefined ? {} : { sentence: problem }),
      ...(location === null ? {} : { location }),
    }, url);
    if (problem !== undefined && failure === "not-a-hub") {
      // The error of a command explains itself.
      const reason = isCommand ? problem : `The hub at ${shownUrl(url)} cannot answer: ${problem}`;
      return new ConnectError("unsupported", reason, { code: status });
    }
    return new ConnectError(failure, message, { code: status });
  }

  #notAHub(what: string): ConnectError {
    const { url } = this.options;
    const message = `No bcast hub at ${shownUrl(url)} (it answered ${what}): check --host and ` +
      "--port";
    return new ConnectError("not-a-hub", message);
  }
}

/** The address below `/api/` of the hub with this WebSocket address, without secrets. */
export function apiUrl(url: URL, path: string, query: Readonly<Record<string, string>> = {}): URL {
  // `ws://h/ws` and `ws://h/` are one hub; a path before that is a proxy's.
  const base = url.pathname.replace(/\/ws$/, "").replace(/\/*$/, "/");
  const address = new URL(`${url.protocol === "wss:" ? "https" : "http"}://${url.host}${base}`);
  address.pathname += `api/${path}`;
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
    // Leaving the loop cancels the rest. A truncated text is not JSON.
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

/** The error of our own relay, which could not reach the pinned hub. */
function relayError(status: number, server: string, body: string): string | undefined {
  const isOwn = (status === 502 || status === 526) && /^bcast\b/i.test(server);
  return isOwn ? visible(body.trim().slice(0, 300)) : undefined;
}

/** The message of a hub's error. */
function problemIn(body: string): string | undefined {
  const value = parsed(body) as { readonly error?: { readonly message?: unknown } } | null;
  const message = value?.error?.message;
  // A stranger's text on its way to a terminal.
  return typeof message === "string" ? visible(message.slice(0, 300)) : undefined;
}

/** The reason of a failed request; runtimes differ in whether it is the error or its cause. */
function words(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? words(error.cause) : error.message;
}
