// A plain JSON client that uses Node's `ws`. Says hello, and exits 0 once it has received a hello
// from every sender named on its command line.
import { createRequire } from "node:module";
import process from "node:process";

const [modules, url, ...others] = process.argv.slice(2);
const { WebSocket } = createRequire(`${modules}/`)("ws");
const waiting = new Set(others);
const socket = new WebSocket(url);
setTimeout(() => process.exit(1), 30_000).unref();
socket.on("open", () => {
  socket.send(JSON.stringify({ type: "message", message: "hello from Node", sender: "Node" }));
});
socket.on("message", (data) => {
  const frame = JSON.parse(String(data));
  const messages = frame.type === "message" ? [frame] : [];
  for (const room of frame.rooms ?? []) messages.push(...room.history);
  for (const { sender, message } of messages) {
    if (message === `hello from ${sender}`) waiting.delete(sender);
  }
  if (waiting.size === 0) socket.close(1000);
});
socket.on("close", () => process.exit(waiting.size === 0 ? 0 : 1));
