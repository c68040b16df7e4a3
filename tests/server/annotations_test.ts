import { assertEquals } from "@std/assert";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { parseHubFrame } from "../../protocol.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { post } from "../kit/http.ts";
import { type ReceivedFrame, TestSocket } from "../kit/test_socket.ts";
import { startTestHub, tokenIsName } from "../kit/test_hub.ts";

/** The kind and the annotations of a frame. */
function annotationsOf(frame: ReceivedFrame): Record<string, unknown> {
  const names = ["kind", "format", "account", "verified", "via"];
  return Object.fromEntries(
    Object.entries(frame).filter(([name]) => names.includes(name) || name.startsWith("x-")),
  );
}

Deno.test("kind, format, account, via and extension fields reach clients live, from the log and after a restart", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/bcast.db`;
  const expected = [
    {},
    { format: "markdown", via: ["a", "B.c-d_9"] },
    { account: "Alice" },
    { kind: "x-acme-note", format: "markdown", account: "Alice", "x-acme-job": [1, { id: null }] },
    { kind: "action", "x-acme-job": "", "x-acme-a.b_c": 0 },
  ];
  {
    await using hub = await startTestHub({
      broker: await openSqliteBroker({ path }),
      authorizer: tokenIsName,
    });
    await using reader = await TestSocket.plain(hub.url, "Reader");
    await using bob = await TestSocket.plain(hub.url, "Bob");
    bob.send({ type: "message", message: "plain" });
    const said = [await reader.next("message")];
    bob.send({ type: "message", message: "typed", format: "markdown", via: ["a", "B.c-d_9"] });
    said.push(await reader.next("message"));
    await using alice = await TestSocket.open(`${hub.url}?token=Alice`);
    // Claims of a client prove nothing.
    alice.send({ type: "message", data: 1, account: "Bob", verified: true });
    said.push(await reader.next("message"));
    const headers = { authorization: "Bearer Alice" };
    const body = { message: "x", format: "markdown", account: "Bob", kind: "x-acme-note" };
    await post(hub, "lobby", { ...body, "x-acme-job": [1, { id: null }] }, headers);
    said.push(await reader.next("message"));
    // Other names are unknown fields, and null means left out.
    const extensions = { "x-acme-job": "", "x-acme-a.b_c": 0, "x-acme": 1, "x-Acme-b": 1 };
    bob.send({ type: "message", message: "x", kind: "action", ...extensions, "x-acme-no": null });
    said.push(await reader.next("message"));
    assertEquals(said.map(annotationsOf), expected);
    const direct = { type: "direct", to: "Reader", message: "psst", account: "Bob" };
    alice.send({ ...direct, format: "markdown" });
    assertEquals(annotationsOf(await reader.next("direct")), {
      format: "markdown",
      account: "Alice",
    });
    bob.send({ ...direct, "x-acme-job": 1 });
    assertEquals(annotationsOf(await reader.next("direct")), { "x-acme-job": 1 });
  }
  await using hub = await startTestHub({ broker: await openSqliteBroker({ path }) });
  await using reader = await TestSocket.plain(hub.url, "Reader");
  reader.send({ type: "history", room: "lobby" });
  const { messages } = await reader.next("history");
  assertEquals((messages as ReceivedFrame[]).map(annotationsOf), expected);
});

Deno.test("an invalid format or via is refused with `bad_frame`; one from a hub is ignored", async () => {
  await using hub = await startTestHub();
  await using socket = await TestSocket.plain(hub.url, "Bob");
  for (const wrong of [{ format: "html" }, { via: "a" }, { via: [""] }, { via: ["a b"] }]) {
    socket.send({ type: "message", message: "x", ...wrong });
    assertEquals((await socket.next("error"))["code"], "bad_frame");
  }
  socket.send({ type: "message", message: "x", via: Array.from({ length: 17 }, () => "a") });
  assertEquals((await socket.next("error"))["code"], "bad_frame");
  const message = {
    type: "message" as const,
    room: "a",
    id: 1,
    sender: "B",
    timestamp: "t",
    message: "x",
  };
  const read = parseHubFrame(JSON.stringify({ ...message, format: "html", via: 7, account: 1 }));
  assertEquals(read.ok && read.frame, message);
});
