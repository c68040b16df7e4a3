/**
 * A reverse proxy that shows a hub under a path of its own, as a web server in front of several
 * programs does: it takes the path off, and passes requests and WebSockets on.
 */
export class PathProxy implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #sockets = new Set<WebSocket>();

  /** @param base the path, without a slash at its end. */
  constructor(private readonly base: string, private readonly port: number) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  /** Where the page is. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}${this.base}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.close();
    await this.#server.shutdown();
  }

  #answer(request: Request): Response | Promise<Response> {
    const { pathname, search } = new URL(request.url);
    if (!pathname.startsWith(`${this.base}/`)) return new Response("Elsewhere\n", { status: 404 });
    const target = `127.0.0.1:${this.port}${pathname.slice(this.base.length)}${search}`;
    if (request.headers.get("upgrade")?.toLowerCase() === "websocket") {
      return this.#upgrade(request, `ws://${target}`);
    }
    const headers = new Headers(request.headers);
    // What proxies say of the request that they pass on.
    headers.set("x-forwarded-host", new URL(this.url).host);
    return fetch(`http://${target}`, { method: request.method, headers });
  }

  #upgrade(request: Request, target: string): Response {
    const protocol = request.headers.get("sec-websocket-protocol") ?? undefined;
    const { socket: near, response } = Deno.upgradeWebSocket(
      request,
      protocol === undefined ? {} : { protocol },
    );
    const far = new WebSocket(target, protocol);
    const early: string[] = [];
    near.onmessage = ({ data }) => {
      if (far.readyState === WebSocket.OPEN) far.send(data);
      else early.push(data);
    };
    far.onopen = () => early.forEach((frame) => far.send(frame));
    far.onmessage = ({ data }) => near.send(data);
    this.#join(near, far);
    this.#join(far, near);
    return response;
  }

  #join(one: WebSocket, other: WebSocket): void {
    this.#sockets.add(one);
    one.onclose = () => {
      this.#sockets.delete(one);
      if (other.readyState <= WebSocket.OPEN) other.close();
    };
    one.onerror = () => other.close();
  }
}
