export interface PathProxyOptions {
  /** The ports of further hubs by their base paths. */
  readonly more?: Readonly<Record<string, number>>;
  /** Changes the script of the service worker at `path`. */
  readonly edit?: (worker: string, path: string) => string;
}

/**
 * A reverse proxy that serves a hub under a base path: it removes the base path, and forwards
 * requests and WebSockets.
 */
export class PathProxy implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #sockets = new Set<WebSocket>();
  readonly #hubs: ReadonlyMap<string, number>;

  /** @param base the base path, without a trailing slash. */
  constructor(
    private readonly base: string,
    port: number,
    private readonly options: PathProxyOptions = {},
  ) {
    this.#hubs = new Map([[base, port], ...Object.entries(options.more ?? {})]);
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  get url(): string {
    return this.urlOf(this.base);
  }

  urlOf(base: string): string {
    return `http://127.0.0.1:${this.#server.addr.port}${base}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.close();
    await this.#server.shutdown();
  }

  #answer(request: Request): Response | Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const [base, port] = [...this.#hubs].filter(([path]) => pathname.startsWith(`${path}/`))
      .sort(([a], [b]) => b.length - a.length)[0] ?? [];
    if (base === undefined) return new Response("Not found\n", { status: 404 });
    const target = `127.0.0.1:${port}${pathname.slice(base.length)}${search}`;
    if (request.headers.get("upgrade")?.toLowerCase() === "websocket") {
      return this.#upgrade(request, `ws://${target}`);
    }
    const headers = new Headers(request.headers);
    // Proxies name the host of the original request.
    headers.set("x-forwarded-host", new URL(this.url).host);
    return this.#pass(
      new Request(`http://${target}`, { method: request.method, headers }),
      pathname,
    );
  }

  async #pass(request: Request, path: string): Promise<Response> {
    try {
      const answer = await fetch(request);
      if (this.options.edit === undefined || !path.endsWith("/sw.js")) return answer;
      const type = answer.headers.get("content-type") ?? "";
      const worker = this.options.edit(await answer.text(), path);
      return new Response(worker, { headers: { "content-type": type } });
    } catch {
      return new Response("The hub is down\n", { status: 502 });
    }
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
