import { resolve } from "node:path";
import type { ConnectOptions } from "../../client.ts";
import type { Message } from "../../protocol.ts";
import { VIA_VARIABLE } from "./via.ts";

/** A message with the life of its room's numbering. */
export interface CommandMessage {
  readonly message: Message;
  readonly epoch: string;
}

/** The variables of a process that are set for it; an empty one means the same as none. */
export type EnvVariables = Readonly<Record<string, string>>;

/**
 * Bytes of a value in the environment: Linux takes 128 KiB for each, name and all, and shares a few
 * MiB, or less, among all of them and the arguments.
 */
const MAX_VALUE_BYTES = 64 * 1024;

/** The variables that a message may leave out. */
const MESSAGE_VARIABLES = [
  "BCAST_MESSAGE_SENDER",
  "BCAST_MESSAGE_KIND",
  "BCAST_MESSAGE_EPOCH",
  "BCAST_MESSAGE_DATA",
];

/** What a command learns about the hub that its message came from. */
export interface HubAccess {
  readonly url: URL;
  readonly ca: string | undefined;
  readonly fingerprint: string | undefined;
  /** Whether the command may use the token of this process. */
  readonly shareToken: boolean;
  /** The token of this process, if any. */
  readonly token: ConnectOptions["token"];
  /** The file that it was read from, if it was. */
  readonly tokenFile: string | undefined;
  /** A file of settings that says nothing. */
  readonly noConfig: string;
}

/**
 * The variables by which a `bcast` in a command talks to the same hub. Everything else that could
 * name another hub, or hold a token, is cleared.
 */
export function hubEnvironment(access: HubAccess): EnvVariables {
  const { url, ca, fingerprint, shareToken } = access;
  return {
    BCAST_URL: shareToken ? url.href : withoutSecrets(url).href,
    BCAST_CA: ca === undefined ? "" : resolve(ca),
    BCAST_FINGERPRINT: fingerprint ?? "",
    // Each of these would be taken for a part of the address.
    BCAST_HOST: "",
    BCAST_PORT: "",
    // A profile may hold a token, and a token must not go to the hub of another profile.
    BCAST_PROFILE: "",
    BCAST_CONFIG: access.noConfig,
    BCAST_TOKEN: "",
    BCAST_TOKEN_FILE: "",
    ...shareToken ? tokenEnvironment(access) : {},
  };
}

/** The token as it was given: the file rather than what is in it, which may change. */
function tokenEnvironment({ token, tokenFile }: HubAccess): EnvVariables {
  if (token === undefined) return {};
  if (typeof token === "string") return { BCAST_TOKEN: token };
  return tokenFile === undefined ? {} : { BCAST_TOKEN_FILE: resolve(tokenFile) };
}

/** The address alone: a user, a password or a query (`?token=`) may let somebody in. */
function withoutSecrets(url: URL): URL {
  const bare = new URL(url);
  bare.username = "";
  bare.password = "";
  bare.search = "";
  return bare;
}

/**
 * What a message is in the environment of a command. What cannot stand there is left out.
 *
 * @param via the programs that cause what the command will send, this one among them.
 */
export function environmentOf(
  { message, epoch }: CommandMessage,
  via: readonly string[],
): EnvVariables {
  const { room, id, sender, timestamp, kind, data } = message;
  const values: Readonly<Record<string, string | undefined>> = {
    BCAST_ROOM: room,
    BCAST_MESSAGE_ID: String(id),
    BCAST_MESSAGE_SENDER: sender,
    BCAST_MESSAGE_TIMESTAMP: timestamp,
    BCAST_MESSAGE_KIND: kind,
    BCAST_MESSAGE_EPOCH: epoch,
    BCAST_MESSAGE_DATA: data === undefined ? undefined : JSON.stringify(data),
    [VIA_VARIABLE]: via.join(","),
  };
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => fits(entry[1])),
  );
}

/** Clears what an outer `bcast exec` told of its message, where this one leaves it out. */
export function clearedMessage(env: (name: string) => string | undefined): EnvVariables {
  const set = MESSAGE_VARIABLES.filter((name) => env(name) !== undefined);
  return Object.fromEntries(set.map((name) => [name, ""]));
}

function fits(value: string | undefined): value is string {
  // No environment can hold a NUL character, in no system.
  return value !== undefined && !value.includes("\0") &&
    new TextEncoder().encode(value).length <= MAX_VALUE_BYTES;
}
