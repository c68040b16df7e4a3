import { OPEN_GRANT } from "../../../auth/authorizer.ts";
import { JSON_ENCODER } from "../../../server/encoders/json.ts";
import { DEFAULT_SERVER_LIMITS } from "../../../server/limits/server_limits.ts";
import { SseServer } from "../../../server/transports/sse.ts";
import { TcpServer } from "../../../server/transports/tcp/tcp_server.ts";
import { WebSocketServer } from "../../../server/transports/websocket.ts";
import { UPGRADE } from "../../kit/raw_http.ts";
import { testTransport, type TransportSetup } from "./contract.ts";

const CLIENT = { address: "127.0.0.1", port: undefined, protocol: undefined };

function serve(answer: (request: Request) => Response): ReturnType<TransportSetup["listen"]> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, answer);
  return {
    port: server.addr.port,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

testTransport({
  kind: "websocket",
  listen(hub, clock) {
    const sockets = new WebSocketServer(hub, clock, 0);
    const params = { encoder: JSON_ENCODER, rooms: ["lobby"] };
    return serve((request) => sockets.upgrade(request, { ...CLIENT, params }));
  },
  request: () => `GET / HTTP/1.1\r\nHost: localhost\r\n${UPGRADE}\r\n`,
});

testTransport({
  kind: "sse",
  listen(hub, clock) {
    const streams = new SseServer(hub, clock);
    const subscription = { ...CLIENT, grant: OPEN_GRANT, positions: [{ room: "lobby" }] };
    return serve(() => streams.open(subscription));
  },
  request: () => "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
});

testTransport({
  kind: "tcp",
  listen: (hub, clock) =>
    new TcpServer({ hub, clock, limits: DEFAULT_SERVER_LIMITS, host: "127.0.0.1", port: 0 }),
  request: () => "",
});
