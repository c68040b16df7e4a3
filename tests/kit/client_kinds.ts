import { type Authorizer, OPEN_GRANT } from "../../auth/authorizer.ts";
import { api } from "../../server/http/api/api.ts";
import { SseServer } from "../../server/transports/sse.ts";
import { HostList } from "../../server/http/hosts.ts";
import { RequestGuard } from "../../server/http/request_guard.ts";
import { Health } from "../../server/http/health.ts";
import { Router } from "../../server/http/router.ts";
import { WebSocketServer } from "../../server/transports/websocket.ts";
import type { Encoder } from "../../server/encoders/encoder.ts";
import { JSON_ENCODER, V1_ENCODER } from "../../server/encoders/json.ts";
import { TEXT_ENCODER } from "../../server/encoders/text.ts";
import type { Hub } from "../../server/hub.ts";
import { DEFAULT_SERVER_LIMITS } from "../../server/limits/server_limits.ts";
import type { Broker } from "../../broker/broker.ts";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { MetricsCollector } from "../../server/metrics/collector.ts";
import { LineConnection } from "../../server/transports/tcp/line_connection.ts";
import type { FakeClock } from "./fake_clock.ts";
import { LineClient } from "./line_client.ts";
import { RecordedClient, startMemoryHub } from "./memory_hub.ts";
import { until } from "./wait.ts";

/** The token of moderators; any other token is the escaped name of its user. */
export const ADMIN_TOKEN = "admin";

/** The response to an HTTP request. */
export interface AdminResponse {
  readonly status: number;
  // deno-lint-ignore no-explicit-any -- any JSON, for tests to inspect
  readonly body: any;
}

/** A hub with all its transports, whose clients have the addresses that the test wants. */
export class InProcessHub implements AsyncDisposable {
  readonly #parts = new AsyncDisposableStack();

  private constructor(
    readonly hub: Hub,
    readonly broker: Broker,
    readonly clock: FakeClock,
    readonly router: Router,
    /** A member of the room `lobby` that sees everything. */
    readonly bystander: RecordedClient,
  ) {}

  static async open(required: boolean): Promise<InProcessHub> {
    const broker = await openSqliteBroker({ path: ":memory:" });
    const authorizer: Authorizer = {
      required,
      grantsAdmin: true,
      authorize(token) {
        if (token === undefined) {
          return required
            ? { ok: false, failure: "missing", reason: "No token" }
            : { ok: true, grant: OPEN_GRANT };
        }
        if (token === ADMIN_TOKEN) return { ok: true, grant: { ...OPEN_GRANT, admin: true } };
        return { ok: true, grant: { ...OPEN_GRANT, name: decodeURIComponent(token) } };
      },
    };
    const recorded = await startMemoryHub({ broker, authorizer });
    const { hub, clock } = recorded;
    const limits = DEFAULT_SERVER_LIMITS;
    const events = new SseServer(hub, clock);
    const router = new Router({
      hub,
      webSocket: new WebSocketServer(hub, clock, limits.heartbeat),
      guard: new RequestGuard(hub.limiter, {
        hosts: () => new HostList({ allowed: [], own: [], origins: [] }),
        port: () => 0,
      }),
      room: "lobby",
      api: api({ hub, clock, limits, events }),
      health: new Health({ broker, clock, limiter: hub.limiter }),
      metrics: { exposure: "off", monitor: new MetricsCollector({ hub }) },
    });
    const bystander = await new RecordedClient(hub, "198.51.100.1", { grant: OPEN_GRANT })
      .hello({ sender: "Bystander", rooms: [{ room: "lobby" }] });
    const world = new InProcessHub(hub, broker, clock, router, bystander);
    world.#parts.use(recorded);
    return world;
  }

  /** Sends an HTTP request from the address `from`. */
  request(
    path: string,
    { token, from = "198.51.100.2", ...init }: RequestInit & { token?: string; from?: string } = {},
  ): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("host", "localhost");
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    const request = new Request(`http://localhost${path}`, { ...init, headers });
    const remoteAddr = { transport: "tcp" as const, hostname: from, port: 1 };
    return Promise.resolve(
      this.router.handle(request, { remoteAddr, completed: Promise.resolve() }),
    );
  }

  /** Performs a moderation action. */
  async moderate(action: string, fields: object): Promise<AdminResponse> {
    const body = JSON.stringify(fields);
    const answer = await this.request(`/api/admin/${action}`, {
      method: "POST",
      body,
      token: ADMIN_TOKEN,
    });
    return { status: answer.status, body: await answer.json() };
  }

  /** Connects a line client from the address `from`. */
  async connectLines(from: string): Promise<LineClient> {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const [conn, client] = await Promise.all([
      listener.accept(),
      LineClient.open(listener.addr.port, false),
    ]);
    const { hub, clock } = this;
    const guest = new LineConnection(conn, {
      hub,
      clock,
      address: from,
      limits: DEFAULT_SERVER_LIMITS,
    });
    const served = guest.serve();
    this.#parts.defer(async () => {
      guest.destroy();
      await served;
    });
    return this.#parts.use(client);
  }

  /** Flushes pending presence changes. */
  async flushPresence(): Promise<void> {
    this.clock.advance(1000);
    await this.bystander.outcome({ type: "ping" });
  }

  /** Whether the bystander was told that `name` left. */
  sawLeave(name: string): boolean {
    return this.bystander.all("presence").some(({ left }) =>
      Array.isArray(left) && left.includes(name)
    );
  }

  /** Whether the log of the room contains `text`. */
  async isLogged(text: string): Promise<boolean> {
    await this.hub.flush();
    const { messages } = await this.hub.queries.messages({ type: "history", room: "lobby" });
    return messages.some(({ message }) => message === text);
  }

  /** Sends a message to the room. */
  async broadcast(text: string): Promise<void> {
    this.bystander.sendFrame({ type: "message", room: "lobby", message: text, ref: text });
    await until("the ack", () => this.bystander.all("ack").some(({ ref }) => ref === text));
    await this.hub.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Connections first: their end is not announced any more.
    await this.#parts.disposeAsync();
  }
}

/** One kind of client. */
export interface TestClient {
  /** All text received from the hub so far, in any format. */
  received(): string;
  /** Whether the hub has ended the connection. */
  closed(): boolean;
  /** Sends a message, if this kind of client can. */
  readonly send?: (text: string) => void | Promise<void>;
  /** Tries to reconnect in the same way, from the same address; whether that worked. */
  readonly reconnect: () => Promise<boolean>;
}

export interface ClientKind {
  /** Whether the name comes from a token. */
  readonly token: boolean;
  /** Whether it receives messages of the room as they are sent. */
  readonly live: boolean;
  open(world: InProcessHub, name: string, from: string): Promise<TestClient>;
}

function socket(encoder: Encoder, token: boolean): ClientKind {
  const open = async (world: InProcessHub, name: string, from: string): Promise<RecordedClient> => {
    const client = new RecordedClient(world.hub, from, {
      encoder,
      ...(token ? { grant: { ...OPEN_GRANT, name } } : { sender: name, grant: OPEN_GRANT }),
    });
    if (encoder === V1_ENCODER) {
      return await client.hello({ sender: name, rooms: [{ room: "lobby" }] });
    }
    await until("an answer", () => client.connection.welcomed || client.ended);
    return client;
  };
  return {
    live: true,
    token,
    async open(world, name, from) {
      const client = await open(world, name, from);
      return {
        received: () => [...client.lines, client.ended?.[1]].join("\n"),
        closed: () => client.ended !== undefined,
        send: (text) => {
          const frame = JSON.stringify({ type: "message", room: "lobby", message: text });
          client.connection.receive(encoder === TEXT_ENCODER ? text : frame);
        },
        reconnect: async () => (await open(world, name, from)).ended === undefined,
      };
    },
  };
}

/** A client whose connection is lost and whose session may be resumed. */
function disconnected(token: boolean): ClientKind {
  return {
    live: false,
    token,
    async open(world, name, from) {
      const options = { grant: token ? { ...OPEN_GRANT, name } : OPEN_GRANT };
      const rooms = [{ room: "lobby" }];
      const lost = await new RecordedClient(world.hub, from, options).hello({
        sender: name,
        rooms,
      });
      lost.connection.ended(1006);
      const session = lost.all("welcome")[0]?.["session"];
      let received = "";
      const resume = (): Promise<RecordedClient> =>
        new RecordedClient(world.hub, from, options).hello({ sender: name, session, rooms });
      return {
        received: () => received,
        closed: () => false,
        send: async (text) => {
          const client = await resume();
          if (client.ended !== undefined) {
            received += client.ended[1];
            return;
          }
          await client.outcome({ type: "message", room: "lobby", message: text });
          received += client.lines.join("\n");
        },
        reconnect: async () => (await resume()).ended === undefined,
      };
    },
  };
}

function lines(token: boolean): ClientKind {
  const open = async (world: InProcessHub, name: string, from: string): Promise<LineClient> => {
    const client = await world.connectLines(from);
    const greeted = `You are ${token ? name : "guest-"}`;
    let ended = false;
    client.ended.then(() => ended = true);
    if (token) await client.send(`/token ${encodeURIComponent(name)}\n`);
    await until("an answer", () => client.text.includes(greeted) || ended);
    if (token || ended) return client;
    await client.send(`/nick ${name}\n`);
    const answered = /is now|is banned|choose another/;
    // Presence changes are announced a moment later.
    await until("a name", async () => {
      await world.flushPresence();
      return answered.test(client.text);
    });
    return client;
  };
  return {
    live: true,
    token,
    async open(world, name, from) {
      const client = await open(world, name, from);
      let over = false;
      client.ended.then(() => over = true);
      return {
        received: () => client.text,
        closed: () => over,
        send: (text) => client.send(`${text}\n`),
        reconnect: async () => !(await open(world, name, from)).text.includes(" banned"),
      };
    },
  };
}

function stream(token: boolean): ClientKind {
  return {
    live: true,
    token,
    async open(world, name, from) {
      const request = (): Promise<Response> =>
        world.request("/api/rooms/lobby/events", {
          from,
          ...(token ? { token: encodeURIComponent(name) } : {}),
        });
      const { body } = await request();
      let text = "";
      let over = false;
      const reading = (async () => {
        for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) text += chunk;
        over = true;
      })();
      await until("the opening", () => text.includes("retry:"));
      void reading;
      return {
        received: () => text,
        closed: () => over,
        reconnect: async () => {
          const response = await request();
          await response.body?.cancel();
          return response.ok;
        },
      };
    },
  };
}

function requests(token: boolean): ClientKind {
  return {
    live: false,
    token,
    open(world, name, from) {
      const auth = token ? { token: encodeURIComponent(name) } : {};
      const sender = token ? "" : `?sender=${encodeURIComponent(name)}`;
      let received = "";
      return Promise.resolve({
        received: () => received,
        closed: () => false,
        send: async (text) => {
          const path = `/api/rooms/lobby/messages${sender}`;
          const answer = await world.request(path, { method: "POST", body: text, from, ...auth });
          received += await answer.text();
        },
        reconnect: async () => {
          const answers = await Promise.all(
            ["rooms/lobby/messages", "rooms/lobby/members", "people", "rooms", "status"].map((
              path,
            ) => world.request(`/api/${path}`, { from, ...auth })),
          );
          await Promise.all(answers.map(({ body }) => body?.cancel()));
          return answers.every(({ ok }) => ok);
        },
      });
    },
  };
}

export const CLIENT_KINDS = {
  "v1 with a token": socket(V1_ENCODER, true),
  "v1": socket(V1_ENCODER, false),
  "v1, disconnected, with a token": disconnected(true),
  "v1, disconnected": disconnected(false),
  "plain JSON with a token": socket(JSON_ENCODER, true),
  "plain JSON": socket(JSON_ENCODER, false),
  "text with a token": socket(TEXT_ENCODER, true),
  "text": socket(TEXT_ENCODER, false),
  "lines with a token": lines(true),
  "lines": lines(false),
  "event stream with a token": stream(true),
  "event stream": stream(false),
  "requests with a token": requests(true),
  "requests": requests(false),
} satisfies Record<string, ClientKind>;
