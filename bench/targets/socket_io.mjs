// Socket.IO with connection state recovery, as
// https://socket.io/docs/v4/connection-state-recovery shows it: missed messages
// arrive after a reconnect, which is closest to what a hub guarantees.
// deno-lint-ignore-file no-console no-process-global -- a program of Node
import { createRequire } from "node:module";
import { createServer } from "node:http";

const require = createRequire(process.argv[2]);
const { Server } = require("socket.io");

const server = createServer();
const io = new Server(server, {
  connectionStateRecovery: {
    maxDisconnectionDuration: 2 * 60 * 1000,
    skipMiddlewares: true,
  },
});

io.on("connection", (socket) => {
  socket.on("message", (message) => {
    io.emit("message", message);
  });
});

server.listen(0, "127.0.0.1", () => console.log(`ws://127.0.0.1:${server.address().port}`));
