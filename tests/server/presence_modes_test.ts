import { assert, assertEquals } from "@std/assert";
import { FakeClock } from "../kit/fake_clock.ts";
import { type ReceivedFrame, TestSocket } from "../kit/test_socket.ts";
import { startTestHub, tokenIsName } from "../kit/test_hub.ts";
import type { Server } from "../../server.ts";

/** What a client knows of the members of a room from the frames it got, by the rules of the document. */
function known(socket: TestSocket): { readonly online: number; readonly members?: string[] } {
  let members: Set<string> | undefined;
  let online = 0;
  for (const frame of socket.frames.map((text) => JSON.parse(text) as ReceivedFrame)) {
    if (frame.type !== "joined" && frame.type !== "presence") continue;
    online = Number(frame["online"]);
    const list = (name: string): unknown[] | undefined => frame[name] as unknown[] | undefined;
    const changes = ["joined", "left", "renamed"].some((name) => list(name) !== undefined);
    if (list("members") !== undefined) members = new Set(list("members") as string[]);
    else if (!changes) members = undefined;
    const renamed = (list("renamed") ?? []) as { from: string; to: string }[];
    for (const { from } of renamed) members?.delete(from);
    for (const name of list("left") ?? []) members?.delete(String(name));
    for (const { to } of renamed) members?.add(to);
    for (const name of list("joined") ?? []) members?.add(String(name));
  }
  return members === undefined ? { online } : { online, members: [...members].sort() };
}

/** Waits until the hub has sent what was announced up to now. */
async function settle(hub: Server, clock: FakeClock, socket: TestSocket): Promise<void> {
  // Longer than any window in which changes are collected.
  clock.advance(10_000);
  socket.send({ type: "ping", ref: "settle" });
  await socket.next("pong");
  assert(hub.online > 0);
}

Deno.test("a room that grows beyond a hundred says that its list ends, and brings it back", async () => {
  const clock = new FakeClock();
  await using hub = await startTestHub({ clock });
  const [watcher] = await TestSocket.v1(hub.url, { sender: "Watcher" });
  await using _ = watcher;
  const crowd: TestSocket[] = [];
  const grow = async (to: number): Promise<void> => {
    while (crowd.length + 1 < to) {
      crowd.push((await TestSocket.v1(hub.url, { sender: `N-${crowd.length}` }))[0]);
    }
    await settle(hub, clock, watcher);
  };
  const shrink = async (to: number): Promise<void> => {
    await Promise.all(crowd.splice(to - 1).map((socket) => socket.close()));
    while (hub.online > to) await settle(hub, clock, watcher);
    await settle(hub, clock, watcher);
  };
  const all = (): string[] => ["Watcher", ...crowd.map((_, index) => `N-${index}`)].sort();
  await grow(100);
  assertEquals(known(watcher), { online: 100, members: all() });
  await grow(101);
  assertEquals(known(watcher), { online: 101 });
  await shrink(95);
  assertEquals(known(watcher), { online: 95 }, "no list while the room is near the limit");
  await shrink(89);
  assertEquals(known(watcher), { online: 89, members: all() });
  await shrink(3);
  assertEquals(known(watcher), { online: 3, members: all() });
  await Promise.all(crowd.map((socket) => socket.close()));
});

Deno.test("names that change hands within one announcement leave the right list", async () => {
  const clock = new FakeClock();
  await using hub = await startTestHub({ clock });
  const enter = async (sender: string) => (await TestSocket.v1(hub.url, { sender }))[0];
  await using watcher = await enter("Watcher");
  const people = new Map<string, TestSocket>();
  for (const name of ["Ann", "Ben", "Cai", "Dee"]) people.set(name, await enter(name));
  await settle(hub, clock, watcher);
  const rename = async (from: string, to: string): Promise<void> => {
    const socket = people.get(from);
    assert(socket !== undefined);
    socket.send({ type: "nick", name: to, ref: to });
    await socket.next("ok", ({ ref }) => ref === to);
    people.delete(from);
    people.set(to, socket);
    // It learns its own name from `renamed`, and the answer.
    assertEquals(socket.all("renamed").at(-1), { type: "renamed", from, name: to });
  };
  // Ben leaves, and Ann takes the name; Cai and Dee swap theirs.
  await people.get("Ben")?.close();
  while (hub.online > 4) await settle(hub, new FakeClock(), watcher);
  await rename("Ann", "Ben");
  await rename("Cai", "Eve");
  await rename("Dee", "Cai");
  await rename("Eve", "Dee");
  await settle(hub, clock, watcher);
  assertEquals(known(watcher), { online: 4, members: ["Ben", "Cai", "Dee", "Watcher"] });
  assertEquals(watcher.all("renamed"), []);
  for (const socket of people.values()) await socket.close();
});

Deno.test("a guest whose name is taken by a token's owner is told its new name, and no other", async () => {
  await using hub = await startTestHub({ authorizer: tokenIsName });
  const [guest] = await TestSocket.v1(hub.url, { sender: "Zoe", rooms: [] });
  await using _g = guest;
  const [owner, welcome] = await TestSocket.v1(hub.url, { token: "Zoe" });
  await using _o = owner;
  assertEquals(await guest.next("renamed"), { type: "renamed", from: "Zoe", name: "Zoe-2" });
  owner.send({ type: "ping" });
  await owner.next("pong");
  assertEquals([welcome["sender"], owner.all("renamed")], ["Zoe", []]);
  const [first] = await TestSocket.v1(hub.url);
  await using _f = first;
  first.send({ type: "message", message: "x", sender: "Now named", ref: 1 });
  assertEquals((await first.next("renamed"))["name"], "Now named");
});

Deno.test("`presence` of a room decides what a client gets: names, the count, or nothing", async () => {
  const clock = new FakeClock();
  await using hub = await startTestHub({ clock });
  const enter = async (presence: string): Promise<TestSocket> => {
    const rooms = [{ room: "lobby", presence }];
    return (await TestSocket.v1(hub.url, { sender: presence, rooms }))[0];
  };
  await using names = await enter("names");
  await using count = await enter("count");
  await using none = await enter("none");
  const [guest] = await TestSocket.v1(hub.url, { sender: "Zoë-2 🦊" });
  await settle(hub, clock, names);
  guest.send({ type: "typing", room: "lobby", active: true, ref: 1 });
  await guest.next("ok");
  for (const socket of [names, count, none]) await settle(hub, clock, socket);
  assertEquals(known(names), { online: 4, members: ["Zoë-2 🦊", "count", "names", "none"] });
  assertEquals(known(count), { online: 4 });
  for (const frame of [...count.all("joined"), ...count.all("presence")]) {
    for (const list of ["members", "joined", "left", "renamed", "accounts"]) {
      assertEquals(frame[list], undefined, list);
    }
  }
  assertEquals([none.all("presence"), none.all("joined")[0]?.["members"]], [[], undefined]);
  assertEquals([names, count, none].map((socket) => socket.all("typing").length), [1, 1, 0]);
  await guest.close();
});

Deno.test("`accounts` names the account of every proven member, and of no other", async () => {
  const clock = new FakeClock();
  await using hub = await startTestHub({ clock, authorizer: tokenIsName });
  const [guest, welcome] = await TestSocket.v1(hub.url, { sender: "Guest" });
  await using _g = guest;
  const [root, proven, [joined]] = await TestSocket.v1(hub.url, { token: "__proto__" });
  await using _r = root;
  assertEquals([welcome["account"], proven["account"]], [undefined, "__proto__"]);
  const accounts = (frame: ReceivedFrame | undefined): unknown[] =>
    Object.entries((frame?.["accounts"] ?? {}) as object);
  assertEquals(accounts(joined), [["__proto__", "__proto__"]]);
  await settle(hub, clock, guest);
  assertEquals(accounts(guest.all("presence").at(-1)), [["__proto__", "__proto__"]]);
  guest.send({ type: "members", room: "lobby" });
  const members = await guest.next("members");
  assertEquals([members["members"], accounts(members)], [["Guest", "__proto__"], [[
    "__proto__",
    "__proto__",
  ]]]);
  guest.send({ type: "message", message: "x", account: "__proto__" });
  root.send({ type: "message", message: "y", account: "Guest" });
  await guest.next("message", ({ id }) => id === 2);
  assertEquals(guest.all("message").map(({ account }) => account).sort(), [
    "__proto__",
    undefined,
  ]);
  root.send({ type: "direct", to: "Guest", message: "psst" });
  assertEquals((await guest.next("direct"))["account"], "__proto__");
  guest.send({ type: "direct", to: "__proto__", message: "psst", account: "Guest" });
  assertEquals(
    (await root.next("direct", ({ sender }) => sender === "Guest"))["account"],
    undefined,
  );
});
