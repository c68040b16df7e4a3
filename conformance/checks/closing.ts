import type { Check } from "../context.ts";
import { expect, same } from "../peer.ts";

/** How a hub ends connections. */
export const CLOSING: readonly Check[] = [
  {
    name: "a newer connection takes over a session: bye, then 4502 for the older one",
    async run(context) {
      const old = await context.v1({ rooms: [] });
      const { session } = old.welcome;
      const { welcome } = await context.v1({ rooms: [], session, sender: undefined });
      same(welcome["resumed"], true, "resumed");
      const bye = await old.peer.next("bye");
      same([bye["code"], bye["reconnect"]], [4502, false], "code and reconnect of bye");
      expect(String(bye["message"] ?? "") !== "", "bye has no message");
      same((await old.peer.ending()).code, 4502, "the close code");
      return bye["message"];
    },
  },
  {
    name: "a binary frame ends the connection: bye, then 1003",
    async run(context) {
      const { peer } = await context.v1({ rooms: [] });
      peer.send(new Uint8Array([1, 2, 3]));
      const bye = await peer.next("bye");
      same([bye["code"], bye["reconnect"]], [1003, false], "code and reconnect of bye");
      same((await peer.ending()).code, 1003, "the close code");
      return bye["message"];
    },
  },
  {
    name: "a WebSocket message far above the limit ends the connection: 1009",
    async run(context) {
      const { peer, welcome } = await context.v1({ rooms: [] });
      const { maxMessageBytes } = welcome["limits"];
      if (maxMessageBytes > 1024 * 1024) return "skipped: the limit is over 1 MiB";
      peer.send(" ".repeat(64 * maxMessageBytes));
      same((await peer.ending()).code, 1009, "the close code");
      return "1009";
    },
  },
];
