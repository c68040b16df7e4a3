import type { Check } from "../context.ts";
import { expect, same } from "../peer.ts";

/** Clients without a subprotocol, text clients, and HTTP. */
export const DIALECTS: readonly Check[] = [
  {
    name: "plain: welcome has rooms with history, no joined and no live follow",
    async run(context) {
      const room = context.unique();
      const writer = await context.member({ room });
      await writer.peer.ask({ type: "message", room, message: "before" });
      const peer = await context.plain(room);
      const welcome = await peer.next("welcome");
      same(welcome["rooms"].length, 1, "the number of rooms");
      const [state] = welcome["rooms"];
      same([state.room, state.more, "messages" in state], [room, false, false], "the room");
      same(state.history[0]?.message, "before", "the history");
      expect(String(welcome["message"] ?? "") !== "", "welcome has no message to print");
      await peer.rest();
      const types = peer.frames.map(({ type }) => type);
      expect(!types.includes("joined") && !types.includes("live"), `the frames are ${types}`);
      return types.join(", ");
    },
  },
  {
    name: "plain: messages arrive on both sides, with and without a type",
    async run(context) {
      const room = context.unique();
      const v1 = await context.member({ room });
      const peer = await context.plain(room);
      const { sender } = await peer.next("welcome");
      for (
        const frame of [{ type: "message", message: "a" }, { message: "b" }, {
          type: "chat",
          text: "c",
        }]
      ) {
        peer.send(frame);
      }
      const read = [];
      for (const _ of [1, 2, 3]) read.push(await v1.peer.next("message"));
      same(read.map((one) => one["message"]), ["a", "b", "c"], "what the v1 client got");
      same(read[0]?.["sender"], sender, "sender");
      await v1.peer.ask({ type: "message", room, message: "d" });
      const got = await peer.next((frame) => frame["message"] === "d", "the answer");
      same(
        [got["type"], got["sender"]],
        ["message", v1.welcome["sender"]],
        "what the plain client got",
      );
      return "4 messages";
    },
  },
  {
    name: "plain: the names of 0.1.0 work (who, typing.typing, nick.sender, history)",
    async run(context) {
      const room = context.unique();
      const v1 = await context.member({ room });
      const peer = await context.plain(room);
      await peer.next("welcome");
      same((await peer.ask({ type: "who" }))["type"], "members", "the answer to who");
      await peer.ask({ type: "typing", typing: true });
      same((await v1.peer.next("typing"))["active"], true, "active");
      const other = context.unique();
      const joined = await peer.ask({ type: "join", room: other, history: 0 });
      same(
        [joined["type"], joined["history"], "messages" in joined],
        ["joined", [], false],
        "joined",
      );
      if (context.target.tokens.length === 0) {
        const sender = context.unique("old");
        same((await peer.ask({ type: "nick", sender }))["name"], sender, "name");
      }
      return "as before";
    },
  },
  {
    name: "plain: a JSON list as the first frame is an error, not text",
    async run(context) {
      const room = context.unique();
      const v1 = await context.member({ room });
      const peer = await context.plain(room);
      await peer.next("welcome");
      peer.send(`[{"type":"message","message":"no"}]`);
      same((await peer.next("error"))["code"], "bad_frame", "the error");
      peer.send(`\ufeff{"message":"yes"}`);
      same((await v1.peer.next("message"))["message"], "yes", "the first message");
      return "bad_frame";
    },
  },
  {
    name: "plain: a line of text is a message, also one that begins with [",
    async run(context) {
      const room = context.unique();
      const v1 = await context.member({ room });
      const peer = await context.plain(room);
      await peer.opened();
      peer.send("[test] hello");
      same((await v1.peer.next("message"))["message"], "[test] hello", "the message");
      return "[test] hello";
    },
  },
  {
    name: "text: lines in both directions",
    async run(context) {
      const room = context.unique();
      const v1 = await context.member({ room });
      for (const [protocols, query] of [[[], { format: "text" }], [["bcast.text"], {}]] as const) {
        const { token } = context;
        const secret = token === undefined ? {} : { token };
        const peer = context.connect(protocols, {
          room,
          sender: context.unique("person"),
          ...secret,
          ...query,
        });
        await peer.opened();
        peer.send("a line");
        await v1.peer.next((frame) => frame["message"] === "a line", "the line as a message");
        await v1.peer.ask({ type: "message", room, message: "to the text client" });
        const { line } = await peer.next((frame) => String(frame["line"]).includes("to the text"));
        expect(String(line).includes(v1.welcome["sender"]), `the line names no sender: ${line}`);
        await peer.close();
      }
      return "2 ways";
    },
  },
  {
    name: "HTTP: a message posted is the message that clients get, with x-OWNER-NAME fields",
    async run(context) {
      const room = context.unique();
      const v1 = await context.member({ room });
      const body = { message: "over HTTP", data: { a: 1 }, "x-acme-a": [1], future: 1 };
      const { status, body: posted } = await context.http(
        `/api/rooms/${room}/messages`,
        post(body),
      );
      same(status, 201, "the status");
      const read = await v1.peer.next("message");
      same(
        [posted["room"], posted["id"], posted["timestamp"], posted["epoch"]],
        [room, read["id"], read["timestamp"], v1.joined["epoch"]],
        "the response",
      );
      same([read["message"], read["data"], read["x-acme-a"], "future" in read], [
        body.message,
        body.data,
        [1],
        false,
      ], "the message");
      const { body: page } = await context.http(`/api/rooms/${room}/messages`);
      same(page["messages"], [read], "the messages over HTTP");
      const { body: members } = await context.http(`/api/rooms/${room}/members`);
      same(
        [members["online"], members["members"]?.[0]?.name],
        [1, v1.welcome["sender"]],
        "the members",
      );
      return "the same";
    },
  },
  {
    name: "HTTP: Idempotency-Key is a key: 200 for a repeat, 422 for other content",
    async run(context) {
      const path = `/api/rooms/${context.unique()}/messages`;
      const headers = { "idempotency-key": "k" };
      const first = await context.http(path, post({ message: "once" }, headers));
      const again = await context.http(path, post({ message: "once", key: "ignored" }, headers));
      same(
        [again.status, again.body["id"], again.body["duplicate"]],
        [200, first.body["id"], true],
        "it",
      );
      const inBody = await context.http(path, post({ message: "once", key: "k" }));
      same([inBody.status, inBody.body["duplicate"]], [200, true], "the key in the body");
      const other = await context.http(path, post({ message: "other" }, headers));
      same([other.status, other.body["error"]?.code], [422, "key_reused"], "other content");
      const none = await context.http(path, post({ message: "once", ref: "k" }));
      same([none.status, none.body["id"]], [201, first.body["id"] + 1], "a ref instead of a key");
      return "201, 200, 422";
    },
  },
];

function post(body: object, headers: Readonly<Record<string, string>> = {}): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  };
}
