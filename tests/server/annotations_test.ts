import { assertEquals } from "@std/assert";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { parseHubFrame } from "../../protocol.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { post } from "../kit/http.ts";
import { type ReceivedFrame, TestSocket } from "../kit/test_socket.ts";
import { startTestHub, tokenIsName } from "../kit/test_hub.ts";

const annotationsOf = (
  { format, verified, via }: ReceivedFrame,
): unknown[] => [format, verified, via];

Deno.test("format, via and verified reach clients live, from the log and after a restart", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/bcast.db`;
  const expected = [
    [undefined, undefined, undefined],
    ["markdown", undefined, ["a", "B.c-d_9"]],
    [undefined, true, undefined],
    ["markdown", true, undefined],
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
    alice.send({ type: "message", data: 1, verified: false });
    said.push(await reader.next("message"));
    const headers = { authorization: "Bearer Alice" };
    await post(hub, "lobby", { message: "x", format: "markdown" }, headers);
    said.push(await reader.next("message"));
    assertEquals(said.map(annotationsOf), expected);
    alice.send({ type: "direct", to: "Reader", message: "psst", format: "markdown" });
    assertEquals(annotationsOf(await reader.next("direct")), ["markdown", true, undefined]);
    bob.send({ type: "direct", to: "Reader", message: "psst", verified: true });
    assertEquals(annotationsOf(await reader.next("direct")), [undefined, undefined, undefined]);
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
  const read = parseHubFrame(JSON.stringify({ ...message, format: "html", via: 7, verified: 1 }));
  assertEquals(read.ok && read.frame, message);
});
