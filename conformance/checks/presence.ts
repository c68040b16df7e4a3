import { type Check, publish } from "../context.ts";
import { expect, type JsonFrame, same } from "../peer.ts";

function has(frame: JsonFrame, list: string, name: string): boolean {
  return Array.isArray(frame[list]) && frame[list].includes(name);
}

/** Members, presence and typing. */
export const PRESENCE: readonly Check[] = [
  {
    name: "names: joined and members name the members, and presence their changes",
    async run(context) {
      if (context.target.tokens.length === 1) return "skipped: one token is one person";
      const room = context.unique();
      const alice = await context.member({ room });
      const bob = await context.member({ room });
      const [first, second] = [alice.welcome["sender"], bob.welcome["sender"]];
      same(new Set(bob.joined["members"]).size, 2, "the number of members in joined");
      expect(has(bob.joined, "members", first), "joined does not name the other member");
      same(bob.joined["online"], 2, "online");
      await alice.peer.next((frame) => has(frame, "joined", second), "the joined of presence");
      const members = await alice.peer.ask({ type: "members", room });
      same([...members["members"]].sort(), [first, second].sort(), "members");
      same(members["online"], 2, "online of members");
      await bob.peer.ask({ type: "leave", room });
      const left = await alice.peer.next(
        (frame) => has(frame, "left", second),
        "the left of presence",
      );
      same(left["online"], 1, "online after the leave");
      return "joined and left";
    },
  },
  {
    name: "count: only online, no names",
    async run(context) {
      if (context.target.tokens.length === 1) return "skipped: one token is one person";
      const room = context.unique();
      const alice = await context.member({ room, presence: "count" });
      expect(!("members" in alice.joined), "joined has members");
      await context.member({ room });
      const presence = await alice.peer.next((frame) =>
        frame["type"] === "presence" && frame["online"] === 2
      );
      for (const list of ["members", "joined", "left", "renamed", "accounts"]) {
        expect(!(list in presence), `presence has ${list}`);
      }
      return "online 2";
    },
  },
  {
    name: "none: neither presence nor typing; a later join sets it anew",
    async run(context) {
      if (context.target.tokens.length === 1) return "skipped: one token is one person";
      const room = context.unique();
      const watcher = await context.member({ room });
      const alice = await context.member({ room, presence: "none" });
      expect(!("members" in alice.joined), "joined has members");
      const bob = await context.member({ room });
      bob.peer.send({ type: "typing", room, active: true });
      // Who sees it was told at the same time.
      await watcher.peer.next("typing");
      await watcher.peer.ask({ type: "members", room });
      await publish(bob.peer, room, ["x"]);
      await alice.peer.next("message");
      const told = alice.peer.frames.filter(({ type }) => type === "presence" || type === "typing");
      same(told, [], "presence and typing frames");
      const joined = await alice.peer.ask({ type: "join", room, presence: "names" });
      expect(Array.isArray(joined["members"]), "the second joined has no members");
      return "nothing came";
    },
  },
  {
    name: "typing reaches the others, not its sender",
    async run(context) {
      if (context.target.tokens.length === 1) return "skipped: one token is one person";
      const room = context.unique();
      const [alice, bob] = [await context.member({ room }), await context.member({ room })];
      for (const active of [true, false]) {
        await alice.peer.ask({ type: "typing", room, active });
        const { type: _, ...typing } = await bob.peer.next("typing");
        same(typing, { room, sender: alice.welcome["sender"], active }, "typing");
      }
      same(alice.peer.frames.filter(({ type }) => type === "typing"), [], "what the sender got");
      return "true, then false";
    },
  },
];
