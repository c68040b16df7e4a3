import { type Check, publish } from "../context.ts";
import { expect, type JsonFrame, same } from "../peer.ts";

/** What a message says, beside where and when. */
const CONTENT = {
  message: "text with \u202e and \u0000 and 👍",
  data: { a: [1, null, { b: "c" }], d: 1.5 },
  kind: "action",
  format: "markdown",
  via: ["conformance", "a.b-c_d"],
  "x-acme-color": { deep: [true] },
  "x-a1-b.c_d": "text",
};

function content({ message, data, kind, format, via, ...others }: JsonFrame): JsonFrame {
  const extra = Object.entries(others).filter(([name]) => name.startsWith("x-"));
  return { message, data, kind, format, via, ...Object.fromEntries(extra) };
}

/** Messages, acks and keys. */
export const MESSAGES: readonly Check[] = [
  {
    name: "ids are 1, 2, 3 …; the ack comes before the echo and has its place and time",
    async run(context) {
      const room = context.unique();
      const { peer, joined } = await context.member({ room });
      for (const id of [1, 2, 3]) {
        peer.send({ type: "message", room, message: `text ${id}`, ref: id });
        const ack = await peer.next(({ type }) => type === "ack" || type === "message", "ack");
        same(ack["type"], "ack", "the first frame after a message");
        const echo = await peer.next("message");
        same([ack["ref"], ack["room"], ack["id"]], [id, room, id], "ref, room and id of the ack");
        same(ack["epoch"], joined["epoch"], "epoch of the ack");
        same([echo["id"], echo["timestamp"]], [id, ack["timestamp"]], "id and time of the echo");
        expect(!("duplicate" in ack), "the ack says duplicate");
        expect(!("ref" in echo) && !("key" in echo), "the echo has ref or key");
      }
      return "3 messages";
    },
  },
  {
    name: "a message with neither ref nor key has no ack; one with a key alone has",
    async run(context) {
      const room = context.unique();
      const { peer } = await context.member({ room });
      peer.send({ type: "message", room, message: "quiet" });
      await peer.next("message");
      peer.send({ type: "message", room, message: "keyed", key: "k" });
      await peer.next((frame) => frame["message"] === "keyed", "the second message");
      const acks = peer.frames.filter(({ type }) => type === "ack");
      same(acks.map((ack) => [ack["id"], ack["ref"]]), [[2, undefined]], "the acks");
      return "1 ack";
    },
  },
  {
    name: "text, data, kind, format, via and x-OWNER-NAME fields arrive unchanged, also in history",
    async run(context) {
      const room = context.unique();
      const [alice, bob] = [await context.member({ room }), await context.member({ room })];
      const sent = { type: "message", room, ...CONTENT, "x-acme": 1, future: 1, "x-a-n": null };
      const ack = await alice.peer.ask(sent);
      const read = await bob.peer.next("message");
      same(content(read), CONTENT, "what arrived");
      expect(!("future" in read), "an unknown field arrived");
      same(read["sender"], alice.welcome["sender"], "sender");
      const { messages } = await bob.peer.ask({ type: "history", room });
      same(messages[0], read, "the message in history");
      same((await context.member({ room })).joined["messages"], [read], "the messages of joined");
      same(ack["id"], read["id"], "id");
      return "unchanged";
    },
  },
  {
    name: "data alone and a kind of a program arrive; null is left out",
    async run(context) {
      const room = context.unique();
      const { peer } = await context.member({ room });
      await peer.ask({ type: "message", room, data: 0, message: null, kind: "x-acme-event" });
      const [first] = (await peer.ask({ type: "history", room }))["messages"];
      same([first.data, first.kind, "message" in first], [0, "x-acme-event", false], "the message");
      await peer.ask({ type: "message", room, data: null, message: "text", via: null });
      const [, second] = (await peer.ask({ type: "history", room }))["messages"];
      same(["data" in second, "via" in second], [false, false], "whether null is stored");
      return "as sent";
    },
  },
  {
    name: "a message without a room goes to the first room joined",
    async run(context) {
      const [first, second] = [context.unique(), context.unique()];
      const { peer } = await context.v1({ rooms: [{ room: first }, { room: second }] });
      const ack = await peer.ask({ type: "message", message: "x" });
      same(ack["room"], first, "room");
      return "the first room";
    },
  },
  {
    name: "a ref never recognises repeats",
    async run(context) {
      const room = context.unique();
      const { peer } = await context.member({ room });
      const ids: number[] = [];
      for (const message of ["one", "one", "two"]) {
        peer.send({ type: "message", room, message, ref: "same" });
        const ack = await peer.next("ack");
        expect(!("duplicate" in ack), "the ack says duplicate");
        ids.push(ack["id"]);
      }
      same(ids, [1, 2, 3], "the ids");
      return "3 messages";
    },
  },
  {
    name: "the same key and content are stored once; the repeat is acked as duplicate",
    async run(context) {
      const room = context.unique();
      const { peer } = await context.member({ room });
      const sent = { type: "message", room, key: "k!~", message: "once", data: { a: 1, b: [2] } };
      const first = await peer.ask(sent);
      await peer.next("message");
      const again = await peer.ask({ ...sent, data: { b: [2], a: 1 } });
      same(
        [again["type"], again["id"], again["duplicate"]],
        ["ack", first["id"], true],
        "the repeat",
      );
      same(again["timestamp"], first["timestamp"], "the time of the repeat");
      const echoes = (await peer.rest()).filter(({ type }) => type === "message");
      same(echoes, [], "what arrived for the repeat");
      same((await peer.ask({ type: "history", room }))["messages"].length, 1, "messages stored");
      return "1 message";
    },
  },
  {
    name: "the same key with other content is refused with key_reused",
    async run(context) {
      const room = context.unique();
      const { peer } = await context.member({ room });
      const sent = { type: "message", room, key: "k", message: "once" };
      await peer.ask(sent);
      for (
        const other of [
          { message: "other" },
          { data: 1 },
          { kind: "action" },
          { format: "markdown" },
          { via: ["a"] },
          { "x-acme-a": 1 },
        ]
      ) {
        const error = await peer.ask({ ...sent, ...other });
        same(
          [error["code"], error["re"], error["room"], error["final"]],
          ["key_reused", "message", room, true],
          `the answer with ${JSON.stringify(other)}`,
        );
      }
      same((await peer.ask({ type: "history", room }))["messages"].length, 1, "messages stored");
      return "6 errors";
    },
  },
  {
    name: "the same key in another room, or of another guest, is another message",
    async run(context) {
      const [room, other] = [context.unique(), context.unique()];
      const alice = await context.v1({ rooms: [{ room }, { room: other }] });
      const bob = await context.member({ room });
      const sent = { type: "message", room, key: "k", message: "once" };
      const acks = [await alice.peer.ask(sent), await alice.peer.ask({ ...sent, room: other })];
      if (context.target.tokens.length !== 1) acks.push(await bob.peer.ask(sent));
      for (const ack of acks) {
        same([ack["type"], ack["duplicate"]], ["ack", undefined], "an answer");
      }
      return `${acks.length} messages`;
    },
  },
  {
    name: "a key is remembered for the session, over a broken connection",
    async run(context) {
      const room = context.unique();
      const { peer, welcome } = await context.member({ room });
      const sent = { type: "message", room, key: "k", message: "once" };
      const first = await peer.ask(sent);
      await peer.close(3000);
      const { session } = welcome;
      const again = await context.member({ room }, { session });
      const ack = await again.peer.ask(sent);
      same([ack["id"], ack["duplicate"]], [first["id"], true], "the repeat");
      return "duplicate";
    },
  },
  {
    name: "with echo: false, own messages do not come back, and prev skips them",
    async run(context) {
      const room = context.unique();
      const quiet = await context.member({ room }, { echo: false });
      const other = await context.member({ room });
      await publish(quiet.peer, room, ["1", "2"]);
      await publish(other.peer, room, ["3"]);
      const read = await quiet.peer.next("message");
      same(
        [read["id"], read["prev"] ?? read["id"] - 1],
        [3, 0],
        "id and prev of the other's message",
      );
      await publish(other.peer, room, ["4"]);
      const next = await quiet.peer.next("message");
      same([next["id"], next["prev"] ?? next["id"] - 1], [4, 3], "id and prev of the next one");
      return "prev 0, then 3";
    },
  },
  {
    name: "a direct reaches its receiver once, however often it is repeated with its key",
    async run(context) {
      if (context.target.tokens.length === 1) return "skipped: one token is one person";
      const [alice, bob] = [await context.v1({ rooms: [] }), await context.v1({ rooms: [] })];
      const to = bob.welcome["sender"];
      const sent = { type: "direct", to, message: "psst", key: "d", "x-acme-a": 1 };
      const copy = await alice.peer.ask(sent);
      same([copy["type"], copy["to"], copy["duplicate"]], ["direct", to, undefined], "the copy");
      const got = await bob.peer.next("direct");
      same(
        [got["sender"], got["message"], got["x-acme-a"]],
        [alice.welcome["sender"], "psst", 1],
        "it",
      );
      expect(!("ref" in got), "the receiver's has a ref");
      const again = await alice.peer.ask(sent);
      same([again["type"], again["duplicate"]], ["direct", true], "the copy of the repeat");
      const other = await alice.peer.ask({ ...sent, message: "other" });
      same([other["code"], other["re"]], ["key_reused", "direct"], "the answer to other content");
      same((await bob.peer.rest()).filter(({ type }) => type === "direct"), [], "what came again");
      return "1 message";
    },
  },
];
