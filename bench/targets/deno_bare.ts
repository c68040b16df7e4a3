// Deno's own WebSocket alone, with one `send` per client and message. Not a realistic choice: it
// shows how much of the hub's cost is the runtime's.
const clients = new Set<WebSocket>();

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  // deno-lint-ignore no-console -- the benchmark reads the port
  onListen: ({ port }) => console.log(`ws://127.0.0.1:${port}`),
}, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onopen = opened;
  socket.onclose = closed;
  socket.onmessage = broadcast;
  return response;
});

function opened(this: WebSocket): void {
  clients.add(this);
}

function closed(this: WebSocket): void {
  clients.delete(this);
}

function broadcast(event: MessageEvent): void {
  for (const client of clients) {
    if (client.readyState === WebSocket.OPEN) client.send(event.data);
  }
}
