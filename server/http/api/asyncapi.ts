import { VERSION } from "../../../lib/version.ts";
import type { HubFrame, RequestType } from "../../../protocol.ts";
import { CLIENT_DESCRIPTIONS, type FrameDescription } from "./client_descriptions.ts";
import { frameSchemas, type Schema, schemaName } from "./frame_schema.ts";
import { HUB_DESCRIPTIONS } from "./hub_descriptions.ts";

/** What answers each request, beside `error`. */
const ANSWERS: Readonly<Record<RequestType, readonly HubFrame["type"][]>> = {
  hello: ["welcome", "joined"],
  message: ["ack"],
  direct: ["direct"],
  join: ["joined"],
  leave: ["left"],
  nick: ["ok"],
  token: ["ok"],
  typing: ["ok"],
  history: ["history"],
  members: ["members"],
  ping: ["pong"],
};

/** What the hub sends without a request. */
const EVENTS: readonly HubFrame["type"][] = [
  "live",
  "left",
  "message",
  "direct",
  "presence",
  "renamed",
  "typing",
  "system",
  "error",
  "bye",
];

const CHANNEL = { $ref: "#/channels/socket" };

/**
 * The AsyncAPI 3.0 document of the protocol, from the view of the hub.
 *
 * @param url of the request for it.
 */
export function asyncapi({ host, protocol, pathname }: URL): Schema {
  const messages = {
    ...describe("client", CLIENT_DESCRIPTIONS),
    ...describe("hub", HUB_DESCRIPTIONS),
  };
  return {
    asyncapi: "3.0.0",
    info: {
      title: "bcast.v1",
      version: VERSION,
      description: "JSON objects over a WebSocket with the subprotocol bcast.v1. One WebSocket " +
        "message may hold several, joined by newlines.",
    },
    defaultContentType: "application/json",
    servers: {
      hub: {
        host,
        protocol: protocol === "https:" ? "wss" : "ws",
        pathname: pathname.replace(/\/api\/.*$/, "") || "/",
      },
    },
    channels: {
      socket: {
        address: "/ws",
        messages: Object.fromEntries(
          Object.keys(messages).map((name) => [name, { $ref: `#/components/messages/${name}` }]),
        ),
        bindings: { ws: { method: "GET" } },
      },
    },
    operations: {
      ...Object.fromEntries(
        Object.entries(ANSWERS).map(([type, answers]) => [type, {
          action: "receive",
          channel: CHANNEL,
          summary: CLIENT_DESCRIPTIONS[type as RequestType].about,
          messages: [reference("client", type)],
          reply: {
            channel: CHANNEL,
            messages: [...answers, "error"].map((answer) => reference("hub", answer)),
          },
        }]),
      ),
      events: {
        action: "send",
        channel: CHANNEL,
        summary: "What happens in the rooms of the client, and to its connection",
        messages: EVENTS.map((type) => reference("hub", type)),
      },
    },
    components: { messages, schemas: frameSchemas("#/components/schemas/") },
  };
}

function reference(direction: "client" | "hub", type: string): Schema {
  return { $ref: `#/channels/socket/messages/${schemaName(direction, type)}` };
}

function describe(
  direction: "client" | "hub",
  descriptions: Readonly<Record<string, FrameDescription>>,
): Readonly<Record<string, Schema>> {
  return Object.fromEntries(
    Object.entries(descriptions).map(([type, { about }]) => {
      const name = schemaName(direction, type);
      const payload = { $ref: `#/components/schemas/${name}` };
      return [name, { name: type, summary: about, payload }];
    }),
  );
}
