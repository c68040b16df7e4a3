import { isLoopbackNetwork, parseNetwork } from "../../limits/networks.ts";
import { isRoomName, normalizeName, visible } from "../../../protocol.ts";
import { ROOM_PATTERN, type Schema } from "./schemas.ts";

/** Characters of a reason: a close frame holds no more, whatever the script. */
export const MAX_REASON_LENGTH = 200;

/** Characters of an announcement. */
export const MAX_ANNOUNCEMENT_LENGTH = 1000;

/** Bytes of an order: the longest announcement, escaped, and room to spare. */
export const MAX_BODY_BYTES = 16 * 1024;

/** Seconds that a measure may last: beyond ten years, leave it out. */
const MAX_SECONDS = 10 * 365 * 86_400;

/** What is wrong with an order. */
export class ModerationError extends Error {
  override readonly name = "OrderError";
  constructor(readonly status: 400 | 404 | 409, readonly code: string, message: string) {
    super(message);
  }
}

/** What an order may say. */
export interface ModerationFields {
  readonly name?: string;
  /** As `networkOf()` names it. */
  readonly address?: string;
  readonly room?: string;
  readonly reason?: string;
  readonly message?: string;
  /** Seconds. */
  readonly for?: number;
}

type Readers = {
  readonly [K in keyof ModerationFields]-?: (value: unknown) => ModerationFields[K];
};

const READERS: Readers = {
  name: (value) => {
    const name = typeof value === "string" ? normalizeName(value) : undefined;
    if (name !== undefined) return name;
    throw new ModerationError(
      400,
      "bad_name",
      "A name is 1 to 32 visible characters without / @ # :",
    );
  },
  address: (value) => {
    const network = typeof value === "string" ? parseNetwork(value) : undefined;
    if (network !== undefined) return network;
    const message = "An address is like 192.0.2.7 or 2001:db8::7; of IPv6, its /64 is meant";
    throw new ModerationError(400, "bad_address", message);
  },
  room: (value) => {
    if (typeof value === "string" && isRoomName(value)) return value;
    const message = "A room is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit";
    throw new ModerationError(400, "bad_room", message);
  },
  reason: (value) => sentence("reason", value, MAX_REASON_LENGTH),
  message: (value) => sentence("message", value, MAX_ANNOUNCEMENT_LENGTH),
  for: (value) => {
    if (typeof value === "number" && value > 0 && value <= MAX_SECONDS) return value;
    const message = `"for" is a number of seconds up to ${MAX_SECONDS}; leave it out for ever`;
    throw new ModerationError(400, "bad_frame", message);
  },
};

const SCHEMAS: Readonly<Record<keyof ModerationFields, Schema>> = {
  name: { type: "string", description: "1 to 32 visible characters without / @ # :" },
  address: { type: "string", description: "An IP address; of IPv6, its /64 network is meant" },
  room: { type: "string", pattern: ROOM_PATTERN },
  reason: { type: "string", minLength: 1, maxLength: MAX_REASON_LENGTH },
  message: { type: "string", minLength: 1, maxLength: MAX_ANNOUNCEMENT_LENGTH },
  for: {
    type: "number",
    exclusiveMinimum: 0,
    maximum: MAX_SECONDS,
    description: "Seconds; without it, until it is lifted",
  },
};

/** What the body of an order with `fields` is. */
export function bodySchema(
  fields: readonly (keyof ModerationFields)[],
  required: readonly (keyof ModerationFields)[],
): Schema {
  const whom = fields.includes("name") && fields.includes("address");
  return {
    type: "object",
    properties: Object.fromEntries(fields.map((field) => [field, SCHEMAS[field]])),
    required,
    ...(whom ? { anyOf: [{ required: ["name"] }, { required: ["address"] }] } : {}),
    additionalProperties: false,
  };
}

/**
 * Reads the body of an order: a JSON object with nothing in it but `allowed`. A field with a slip
 * in its name must not make a ban of a day one for ever.
 *
 * @throws {ModerationError}
 */
export function readModerationBody(
  body: string,
  allowed: readonly (keyof ModerationFields)[],
): ModerationFields {
  const value = parse(body);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ModerationError(400, "bad_json", `Send a JSON object with ${allowed.join(", ")}`);
  }
  const unknown = Object.keys(value).find((key) => !allowed.some((known) => known === key));
  if (unknown !== undefined) {
    const said = visible(unknown.slice(0, 40));
    const message = `Nothing here is called "${said}": there are ${allowed.join(", ")}`;
    throw new ModerationError(400, "bad_frame", message);
  }
  const given = new Map(Object.entries(value));
  return Object.fromEntries(
    allowed.filter((key) => given.has(key)).map((key) => [key, READERS[key](given.get(key))]),
  );
}

/**
 * The address to act against.
 *
 * @throws {ModerationError} for this machine's: behind a proxy that is not trusted, it is everybody's.
 */
export function otherAddress(network: string | undefined): string | undefined {
  if (network === undefined || !isLoopbackNetwork(network)) return network;
  const message =
    `${network} is the hub's own machine: everybody behind a proxy comes from there. ` +
    "Start the hub with --trust-proxy to see who they are";
  throw new ModerationError(400, "bad_address", message);
}

/** One line of text; what a terminal would obey is made visible. */
function sentence(field: string, value: unknown, limit: number): string {
  const line = typeof value === "string" ? visible(value.trim().replace(/\s+/g, " ")) : "";
  if (line !== "" && line.length <= limit) return line;
  const message = `"${field}" is a text of 1 to ${limit} characters`;
  throw new ModerationError(400, "bad_frame", message);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
