import type { Check } from "../context.ts";
import { expect, same } from "../peer.ts";

/** Connecting and `hello`. */
export const HANDSHAKE: readonly Check[] = [
  {
    name: "the hub takes the subprotocol that it knows of several",
    async run(context) {
      const protocol = await context.connect(["bcast.v999", "bcast.v1"]).opened();
      same(protocol, "bcast.v1", "the subprotocol");
      return protocol;
    },
  },
  {
    name: "the hub refuses a client that offers only unknown bcast subprotocols",
    async run(context) {
      const peer = context.connect(["bcast.v999"]);
      const protocol = await peer.opened().catch(() => undefined);
      expect(protocol === undefined, `the WebSocket opened with "${protocol}"`);
      return "refused";
    },
  },
  {
    name: "welcome has the fields of version 1",
    async run(context) {
      const room = context.unique();
      const { peer, welcome } = await context.v1({ rooms: [{ room }], ref: "h1" });
      same(welcome["protocol"], 1, "protocol");
      same(welcome["ref"], "h1", "ref");
      same(welcome["resumed"], false, "resumed");
      same(welcome["rooms"], [room], "rooms");
      for (const name of ["sender", "session"]) {
        expect(typeof welcome[name] === "string" && welcome[name] !== "", `${name} is no text`);
      }
      expect(ISO.test(welcome["time"]), `time is ${welcome["time"]}, not ISO 8601 in UTC`);
      for (const name of ["name", "version"]) {
        expect(typeof welcome["server"]?.[name] === "string", `server.${name} is no text`);
      }
      expect(isObject(welcome["features"]), "features is no object");
      for (const name of LIMITS) {
        const limit = welcome["limits"]?.[name];
        expect(typeof limit === "number" && limit >= 0, `limits.${name} is ${limit}`);
      }
      same(peer.frames[0], welcome, "the first frame");
      return `${welcome["server"].name} ${welcome["server"].version}`;
    },
  },
  {
    name: "after welcome: one joined for each room in order, then live; nothing of a room before",
    async run(context) {
      const rooms = [context.unique(), context.unique(), context.unique()];
      const { peer } = await context.v1({ rooms: rooms.map((room) => ({ room })) });
      for (const room of rooms) await peer.next((one) => one["type"] === "live", `live of ${room}`);
      const joined = peer.frames.filter(({ type }) => type === "joined");
      same(joined.map(({ room }) => room), rooms, "the order of joined");
      for (const room of rooms) {
        const [first] = peer.frames.filter((frame) => frame["room"] === room);
        same(first?.["type"], "joined", `the first frame of ${room}`);
      }
      for (const frame of joined) {
        for (const name of ["first", "last", "online"]) {
          expect(Number.isInteger(frame[name]), `${name} of joined is ${frame[name]}`);
        }
        same([frame["first"], frame["last"]], [1, 0], "first and last of an empty room");
        same(
          [frame["recovered"], frame["reset"]],
          [false, undefined],
          "recovered without a position",
        );
        same([frame["messages"], frame["more"]], [[], false], "messages and more of an empty room");
        expect(typeof frame["epoch"] === "string", "joined has no epoch");
      }
      return `${rooms.length} rooms`;
    },
  },
  {
    name: "a request before hello is refused with unauthorized, and hello still works",
    async run(context) {
      const { token } = context;
      const peer = context.connect(["bcast.v1"]);
      await peer.opened();
      const error = await peer.ask({ type: "ping" });
      same(
        [error["type"], error["code"], error["re"]],
        ["error", "unauthorized", "ping"],
        "the answer",
      );
      peer.send({ type: "hello", ...(token === undefined ? {} : { token }), rooms: [] });
      await peer.next("welcome");
      return error["message"];
    },
  },
  {
    name: "hello: unknown fields and features are ignored, and null is a field left out",
    async run(context) {
      const room = context.unique();
      const { welcome } = await context.v1({
        rooms: [{ room, after: null, epoch: null, max: null, future: {} }],
        session: null,
        echo: null,
        ref: null,
        features: ["some-later-feature"],
        client: { name: "conformance", version: "1" },
        protocol: 7,
        future: [1],
      });
      same([welcome["rooms"], welcome["protocol"]], [[room], 1], "rooms and protocol");
      expect(!("ref" in welcome), "welcome has a ref");
      return "welcome";
    },
  },
  {
    name: "one bad room of hello spoils one room: an error for it, and welcome all the same",
    async run(context) {
      const room = context.unique();
      const { peer, welcome } = await context.v1({
        rooms: [{ room: "No Room" }, { room }, { room: context.unique(), after: 5 }, { room: 7 }],
      });
      same(welcome["rooms"], [room], "rooms of welcome");
      await peer.next("live");
      await peer.rest();
      const errors = peer.frames.filter(({ type }) => type === "error");
      same(errors.length, 3, "the number of errors");
      const [name, position] = errors;
      same(
        [name?.["code"], name?.["re"], name?.["room"], name?.["final"]],
        ["bad_room", "join", "No Room", true],
        "the error for a bad name",
      );
      same(
        [position?.["code"], position?.["re"], position?.["final"]],
        ["bad_frame", "join", true],
        "the error for after without epoch",
      );
      return "3 errors";
    },
  },
  {
    name: "hello whose rooms is no list is an error, and a later hello works",
    async run(context) {
      const { token } = context;
      const peer = context.connect(["bcast.v1"]);
      await peer.opened();
      const error = await peer.ask({ type: "hello", rooms: {} });
      same([error["code"], error["re"], error["final"]], ["bad_frame", "hello", true], "the error");
      peer.send({ type: "hello", ...(token === undefined ? {} : { token }), rooms: [] });
      same((await peer.next("welcome"))["rooms"], [], "rooms of welcome");
      return error["message"];
    },
  },
  {
    name: "a second hello without rooms changes no rooms",
    async run(context) {
      const room = context.unique();
      const { peer } = await context.member({ room });
      const welcome = await peer.ask({ type: "hello" });
      same([welcome["type"], welcome["rooms"]], ["welcome", [room]], "the answer");
      const after = (await peer.rest()).filter(({ type }) => type === "joined" || type === "left");
      same(after, [], "joined and left");
      return "welcome";
    },
  },
  {
    name: "a second hello with rooms leaves the others and joins these",
    async run(context) {
      const [old, kept, added] = [context.unique(), context.unique(), context.unique()];
      const { peer } = await context.v1({ rooms: [{ room: old }, { room: kept }] });
      await peer.next((frame) => frame["type"] === "live" && frame["room"] === kept);
      peer.send({ type: "hello", rooms: [{ room: kept }, { room: added }] });
      const left = await peer.next("left");
      same(left["room"], old, "the room that was left");
      same((await peer.next("welcome"))["rooms"], [kept, added], "rooms of welcome");
      await peer.next((frame) => frame["type"] === "joined" && frame["room"] === added);
      return "left and joined";
    },
  },
];

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const LIMITS = [
  "maxMessageBytes",
  "maxFrameBytes",
  "maxRooms",
  "recent",
  "rate",
  "burst",
  "heartbeat",
];

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
