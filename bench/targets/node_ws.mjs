// The package `ws`, as its README shows a broadcast "to all connected WebSocket clients, including
// itself".
// deno-lint-ignore-file no-console no-process-global -- a program of Node
import { createRequire } from "node:module";

// The benchmark has installed the package in the folder of this argument.
const require = createRequire(process.argv[2]);
const { WebSocket, WebSocketServer } = require("ws");

const wss = new WebSocketServer({ host: "127.0.0.1", port: 0 });

wss.on("connection", function connection(ws) {
  ws.on("error", console.error);

  ws.on("message", function message(data, isBinary) {
    wss.clients.forEach(function each(client) {
      if (client.readyState === WebSocket.OPEN) {
        client.send(data, { binary: isBinary });
      }
    });
  });
});

wss.on("listening", () => console.log(`ws://127.0.0.1:${wss.address().port}`));
