// Bun's native publish, as https://bun.sh/docs/api/websockets shows it: every client subscribes to
// one topic, and the server publishes each message, so that its sender gets it, too.
declare const Bun: {
  serve(options: unknown): {
    readonly port: number;
    upgrade(request: Request): boolean;
    publish(topic: string, message: string | Uint8Array): number;
  };
};

interface Socket {
  subscribe(topic: string): void;
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request: Request): Response | undefined {
    return server.upgrade(request) ? undefined : new Response("expected a WebSocket");
  },
  websocket: {
    open(socket: Socket): void {
      socket.subscribe("bench");
    },
    message(_socket: Socket, message: string | Uint8Array): void {
      server.publish("bench", message);
    },
  },
});

// deno-lint-ignore no-console -- the benchmark reads the port
console.log(`ws://127.0.0.1:${server.port}`);
