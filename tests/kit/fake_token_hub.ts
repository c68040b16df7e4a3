import { Assets } from "../../server/http/assets.ts";
import { CLOSE, encode } from "../../protocol.ts";
import { joined, welcome } from "./scripted_hub.ts";

/** A hub that serves the page, and accepts clients with one token. */
export class FakeTokenHub implements AsyncDisposable {
  readonly tokens: (string | undefined)[] = [];
  readonly requests: string[] = [];
  readonly #assets = new Assets();
  readonly #sockets = new Set<WebSocket>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(private token: string | undefined) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => {
        this.requests.push(request.url);
        return request.headers.has("upgrade")
          ? this.#upgrade(request)
          : this.#assets.answer(request, new URL(request.url).pathname) ??
            new Response(null, { status: 404 });
      },
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  /** Disconnects all clients, and rejects the token from now on. */
  expire(reason: string): void {
    this.token = undefined;
    for (const socket of this.#sockets) socket.close(CLOSE.unauthorized, reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.close();
    await this.#server.shutdown();
  }

  #upgrade(request: Request): Response {
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "bcast.v1" });
    this.#sockets.add(socket);
    socket.onclose = () => this.#sockets.delete(socket);
    socket.onmessage = ({ data }) => {
      const hello = JSON.parse(data);
      if (hello.type !== "hello") return;
      this.tokens.push(hello.token);
      if (hello.token !== this.token) {
        socket.close(CLOSE.unauthorized, "The token is wrong: ask the operator for one");
        return;
      }
      socket.send(encode(welcome()));
      socket.send(encode({ ...joined("lobby", { members: ["Alice"] }), type: "joined" }));
    };
    return response;
  }
}
