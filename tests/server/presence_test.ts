import { assert, assertEquals } from "@std/assert";
import { type ClientConnection, connect } from "../../client.ts";
import { PresenceChanges } from "../../server/presence.ts";
import { Roster } from "../../terminal/roster.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { until } from "../kit/wait.ts";

// A joining client gets a list of members, and from then on the same frames as all others.

const rooms = [{ room: "lobby" }];

Deno.test("a client that joins during changes of members ends with the correct list", async () => {
  const acts: Record<string, (bob: ClientConnection) => Promise<void>> = {
    leaves: (bob) => bob.close(),
    "takes a name": (bob) => Promise.resolve(bob.nick("Zoë-2 🦊")),
  };
  for (const [what, act] of Object.entries(acts)) {
    await using hub = await startTestHub();
    await using bob = connect({ url: hub.url, sender: "李-1", rooms });
    await until("a connection", () => bob.state === "online");
    await using alice = connect({ url: hub.url, sender: "Alice", rooms });
    const state = new Roster();
    void (async () => {
      for await (const event of alice) state.apply(event);
    })();
    // All within one window, in which joins and leaves are collected.
    await until("Alice", () => state.isPresent("李-1"));
    await act(bob);
    await until(`who ${what} is gone`, () => !state.isPresent("李-1"));
    const { members } = await alice.members("lobby");
    await until("the others", () => members.every((name) => state.isPresent(name)));
  }
});

Deno.test("`PresenceChanges` does not cancel out changes that a client has seen in a list", () => {
  const changes = new PresenceChanges();
  const frame = (): unknown => {
    const taken = changes.take();
    assert(taken !== "many");
    const { joined, left, renamed } = taken ?? {};
    return { joined, left, renamed };
  };
  const nothing = { joined: undefined, left: undefined, renamed: undefined };
  changes.join("Bob");
  changes.leave("Carol");
  changes.rename("Dan", "Dave");
  changes.listed("Bob");
  // A client that got the list has newer information.
  assertEquals(["Bob", "Carol", "Dave", "Eve"].map((name) => changes.isListed(name)), [
    false,
    true,
    true,
    false,
  ]);
  changes.listed("Eve");
  assertEquals(changes.isListed("Bob"), true);
  assertEquals(frame(), {
    joined: ["Bob"],
    left: ["Carol"],
    renamed: [{ from: "Dan", to: "Dave" }],
  });
  // All clients have received it now.
  assertEquals(changes.isListed("Bob"), false);
  assertEquals(frame(), nothing);
  // A list without pending changes schedules nothing.
  changes.listed("Eve");
  changes.join("Bob");
  changes.leave("Bob");
  assertEquals(frame(), nothing);
});
