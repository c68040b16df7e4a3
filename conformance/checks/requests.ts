import type { Check, CheckContext } from "../context.ts";
import { cut, expect, type JsonFrame, same } from "../peer.ts";

/** Requests that succeed: the type of the answer, beside its fields. */
function requests(
  room: string,
  name: string,
): readonly (readonly [JsonFrame, string, JsonFrame])[] {
  return [
    [{ type: "message", room, message: "hi" }, "ack", { room }],
    [{ type: "direct", to: name, message: "to me" }, "direct", { to: name, message: "to me" }],
    [{ type: "join", room }, "joined", { room }],
    [{ type: "typing", room, active: true }, "ok", { re: "typing" }],
    [{ type: "history", room }, "history", { room }],
    [{ type: "members", room }, "members", { room }],
    [{ type: "ping" }, "pong", {}],
    [{ type: "leave", room }, "left", { room }],
  ];
}

/** Requests that fail, and their error. */
function failures(room: string): readonly (readonly [JsonFrame, JsonFrame])[] {
  const elsewhere = `${room}-elsewhere`;
  return [
    [{ type: "message", room }, { code: "bad_frame" }],
    [{ type: "message", room, message: "" }, { code: "bad_frame" }],
    [{ type: "message", room, message: 5 }, { code: "bad_frame" }],
    [{ type: "message", room, data: null }, { code: "bad_frame" }],
    [{ type: "message", room: "No Room", message: "x" }, { code: "bad_room", room: "No Room" }],
    [{ type: "message", room: elsewhere, message: "x" }, { code: "not_in_room", room: elsewhere }],
    [{ type: "message", room, message: "x", kind: "edit" }, { code: "unsupported", room }],
    [{ type: "message", room, message: "x", format: "html" }, { code: "bad_frame" }],
    [{ type: "message", room, message: "x", key: "a b" }, { code: "bad_frame" }],
    [{ type: "message", room, message: "x", key: 7 }, { code: "bad_frame" }],
    [{ type: "message", room, message: "x", "x-acme-a": "a".repeat(5000) }, { code: "too_big" }],
    [{ type: "direct", to: "nobody-at-all", message: "x" }, { code: "no_such_user" }],
    [{ type: "direct", to: "a/b", message: "x" }, { code: "bad_name" }],
    [{ type: "join", room: "No Room" }, { code: "bad_room", room: "No Room" }],
    [{ type: "join", room, after: 5 }, { code: "bad_frame", room }],
    [{ type: "join", room, presence: "loud" }, { code: "bad_frame", room }],
    [{ type: "leave", room: elsewhere }, { code: "not_in_room", room: elsewhere }],
    [{ type: "nick", name: "a/b" }, { code: "bad_name" }],
    [{ type: "typing", room }, { code: "bad_frame", room }],
    [{ type: "typing", room: elsewhere, active: true }, { code: "not_in_room", room: elsewhere }],
    [{ type: "history", room, limit: 0 }, { code: "bad_frame", room }],
    [{ type: "members" }, { code: "bad_room" }],
    [{ type: "token" }, { code: "bad_frame" }],
  ];
}

async function assertOneAnswer(context: CheckContext, ref: string | number): Promise<string> {
  const room = context.unique();
  const { peer, welcome } = await context.member({ room });
  const all = requests(room, welcome["sender"]);
  for (const [request, type, fields] of all) {
    const what = `the answer to ${request["type"]}`;
    const before = peer.frames.length;
    peer.send({ ...request, ref });
    const answer = await peer.next((frame) => frame["ref"] === ref, what);
    same(answer["type"], type, what);
    for (const [name, value] of Object.entries(fields)) {
      same(answer[name], value, `${name} of ${what}`);
    }
    await peer.rest();
    const answers = peer.frames.slice(before).filter((frame) => frame["ref"] === ref);
    same(answers.length, 1, `the number of answers to ${request["type"]}`);
  }
  return `${all.length} requests`;
}

/** Requests, answers and errors. */
export const REQUESTS: readonly Check[] = [
  {
    name: "each request has one answer, which carries a ref that is text",
    run: (context) => assertOneAnswer(context, "r 1: é"),
  },
  {
    name: "each request has one answer, which carries a ref that is a number",
    run: (context) => assertOneAnswer(context, 17.5),
  },
  {
    name: "each request that fails has one error with code, re, room, ref and final",
    async run(context) {
      const room = context.unique();
      const { peer } = await context.member({ room });
      const all = failures(room);
      for (const [request, fields] of all) {
        const what = `the answer to ${cut(JSON.stringify(request), 80)}`;
        const error = await peer.ask(request);
        const wanted = { type: "error", re: request["type"], final: true, ...fields };
        const retry = error["retryAfter"] !== undefined;
        for (const [name, value] of Object.entries(wanted)) {
          // For a while after its start, a hub lets clients come back.
          if (name === "final" && retry) {
            same(error[name], false, `final with retryAfter of ${what}`);
          } else same(error[name], value, `${name} of ${what}`);
        }
        expect(String(error["message"] ?? "") !== "", `${what} says nothing`);
      }
      const stored = await peer.ask({ type: "history", room });
      same(stored["messages"], [], "what was stored");
      return `${all.length} errors`;
    },
  },
  {
    name: "what is no request gets an error without re: bad_json, bad_frame, unknown_type",
    async run(context) {
      const { peer } = await context.v1({ rooms: [] });
      for (
        const [text, code] of [
          ["{", "bad_json"],
          ["hello", "bad_json"],
          [`["message"]`, "bad_frame"],
          [`{"message":"x"}`, "unknown_type"],
          [`{"type":"who"}`, "unknown_type"],
          [`{"type":"some-later-type","ref":"u"}`, "unknown_type"],
        ] as const
      ) {
        peer.send(text);
        const error = await peer.next("error");
        same(
          [error["code"], error["re"], error["final"]],
          [code, undefined, true],
          `the answer to ${text}`,
        );
        same(error["ref"], text.includes("ref") ? "u" : undefined, `ref of the answer to ${text}`);
      }
      return "6 errors";
    },
  },
  {
    name: "a WebSocket message may hold several objects; a bad one spoils itself only",
    async run(context) {
      const { peer } = await context.v1({ rooms: [] });
      peer.send({ type: "ping", ref: 1 }, "{", "", { type: "ping", ref: 2 });
      await peer.next((frame) => frame["ref"] === 1, "the first answer");
      same((await peer.next("error"))["code"], "bad_json", "the error");
      await peer.next((frame) => frame["ref"] === 2, "the last answer");
      return "2 answers, 1 error";
    },
  },
  {
    name: "a byte order mark before JSON is skipped",
    async run(context) {
      const { peer } = await context.v1({ rooms: [] });
      peer.send(`\ufeff{"type":"ping","ref":"bom"}`);
      await peer.next((frame) => frame["ref"] === "bom", "the answer");
      return "pong";
    },
  },
  {
    name: "nick is answered with ok and the name, and announced to the others",
    async run(context) {
      if (context.target.tokens.length > 0) return "skipped: tokens give the names";
      const room = context.unique();
      const [alice, bob] = [await context.member({ room }), await context.member({ room })];
      const name = context.unique("New name");
      const ok = await alice.peer.ask({ type: "nick", name: ` ${name} ` });
      same([ok["type"], ok["re"], ok["name"]], ["ok", "nick", name], "the answer");
      const presence = await bob.peer.next((frame) => frame["renamed"] !== undefined, "renamed");
      same(presence["renamed"], [{ from: alice.welcome["sender"], to: name }], "renamed");
      const taken = await bob.peer.ask({ type: "nick", name: name.toUpperCase() });
      same([taken["code"], taken["re"]], ["name_taken", "nick"], "the answer for a taken name");
      return name;
    },
  },
  {
    name: "token is answered with ok or an error",
    async run(context) {
      const { token } = context;
      const { peer } = await context.v1({ rooms: [] });
      const answer = await peer.ask({ type: "token", token: token ?? "no token at all" });
      same(answer["re"], "token", "re");
      if (token !== undefined) same(answer["type"], "ok", "the answer to the token in use");
      return answer["type"];
    },
  },
  {
    name: "typing without a ref has no answer",
    async run(context) {
      const room = context.unique();
      const { peer } = await context.member({ room });
      peer.send({ type: "typing", room, active: true });
      const answers = (await peer.rest()).filter(({ type }) => type !== "presence");
      same(answers, [], "what came");
      return "nothing came";
    },
  },
  {
    name: "an object above maxMessageBytes is refused, and the connection stays",
    async run(context) {
      const room = context.unique();
      const { peer, welcome } = await context.member({ room });
      const size = Math.min(welcome["limits"].maxMessageBytes, 1024 * 1024);
      if (size < welcome["limits"].maxMessageBytes) return "skipped: over 1 MiB";
      peer.send({ type: "message", room, message: "x".repeat(size) });
      same((await peer.next("error"))["code"], "too_big", "the error");
      await peer.ask({ type: "ping" });
      return `over ${size} bytes`;
    },
  },
];
