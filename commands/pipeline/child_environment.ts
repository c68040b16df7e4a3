import { resolve } from "node:path";
import type { ConnectOptions } from "../../client.ts";
import type { ReceivedMessage } from "./follow.ts";
import { VIA_VARIABLE } from "./via.ts";

/** Environment variables to set; an empty value means unset. */
export type EnvVariables = Readonly<Record<string, string>>;

/**
 * The longest value of a variable, in bytes. Linux allows 128 KiB for each, name included, and a few
 * MiB for all of them and the arguments together.
 */
const MAX_VALUE_BYTES = 64 * 1024;

/** Variables that not every message sets. */
const OPTIONAL_VARIABLES = [
  "BCAST_MESSAGE_SENDER",
  "BCAST_MESSAGE_ACCOUNT",
  "BCAST_MESSAGE_KIND",
  "BCAST_MESSAGE_EPOCH",
  "BCAST_MESSAGE_DATA",
];

/** The hub that a command's message came from, and how to trust it. */
export interface HubAccess {
  readonly url: URL;
  readonly ca: string | undefined;
  readonly fingerprint: string | undefined;
  /** Whether the command may use the token. */
  readonly shareToken: boolean;
  readonly token: ConnectOptions["token"] | undefined;
  /** The file that the token was read from, if any. */
  readonly tokenFile: string | undefined;
  /** Path of an empty configuration file. */
  readonly noConfig: string;
}

/**
 * Variables that make a `bcast` in a command use the same hub. Clears all others that could name
 * another hub or hold a token.
 */
export function hubEnvironment(access: HubAccess): EnvVariables {
  const { url, ca, fingerprint, shareToken } = access;
  return {
    BCAST_URL: shareToken ? url.href : withoutSecrets(url).href,
    BCAST_CA: ca === undefined ? "" : resolve(ca),
    BCAST_FINGERPRINT: fingerprint ?? "",
    // Each of these would change the address.
    BCAST_HOST: "",
    BCAST_PORT: "",
    // A profile may hold a token, which must not reach another profile's hub.
    BCAST_PROFILE: "",
    BCAST_CONFIG: access.noConfig,
    BCAST_TOKEN: "",
    BCAST_TOKEN_FILE: "",
    ...shareToken ? tokenEnvironment(access) : {},
  };
}

/** The token as it was given: as a file if it came from one, since its content may change. */
function tokenEnvironment({ token, tokenFile }: HubAccess): EnvVariables {
  if (token === undefined) return {};
  if (typeof token === "string") return { BCAST_TOKEN: token };
  return tokenFile === undefined ? {} : { BCAST_TOKEN_FILE: resolve(tokenFile) };
}

/** The address alone: a user, a password or a query (`?token=`) may be a credential. */
function withoutSecrets(url: URL): URL {
  const bare = new URL(url);
  bare.username = "";
  bare.password = "";
  bare.search = "";
  return bare;
}

/**
 * Variables that describe a message. Leaves out values that no environment can hold.
 *
 * @param via the `via` of messages that the command sends.
 */
export function messageEnvironment(
  { message, epoch }: ReceivedMessage,
  via: readonly string[],
): EnvVariables {
  const { room, id, sender, account, timestamp, kind, data } = message;
  const values: Readonly<Record<string, string | undefined>> = {
    BCAST_ROOM: room,
    BCAST_MESSAGE_ID: String(id),
    BCAST_MESSAGE_SENDER: sender,
    BCAST_MESSAGE_ACCOUNT: account,
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

/** Clears optional variables that an outer `bcast exec` has set for its own message. */
export function clearedMessage(env: (name: string) => string | undefined): EnvVariables {
  const set = OPTIONAL_VARIABLES.filter((name) => env(name) !== undefined);
  return Object.fromEntries(set.map((name) => [name, ""]));
}

function fits(value: string | undefined): value is string {
  // No system allows a NUL character here.
  return value !== undefined && !value.includes("\0") &&
    new TextEncoder().encode(value).length <= MAX_VALUE_BYTES;
}
