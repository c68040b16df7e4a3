import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { visible } from "../protocol.ts";
import { ChatScene } from "./kit/chat.ts";
import { beginning } from "./kit/fake_conversation.ts";
import { name as anyName } from "./protocol_arbitraries.ts";

/** Names that hubs hand out, that people have, and that mean something to a pattern. */
const NAMES = [
  "Eve-2",
  "jean-luc",
  "zoe-q",
  "a^-]\\b",
  "(.*)",
  "$&",
  "山田 太郎",
  "ＡＬＩＣＥ",
  "-",
];

Deno.test("a chat shows and counts messages for a person of any allowed name", async () => {
  const seen = async (name: string): Promise<void> => {
    await using scene = ChatScene.unmet();
    scene.conversation.sender = name;
    scene.conversation.emit(...beginning(name, [name, "Bob"]));
    scene.hear("Bob", `over here, @${name}`);
    scene.hear(name, "me, too");
    await scene.settle();
    const shown = scene.screen.text;
    assert(shown.includes(`Bob: over here, @${visible(name)}`), shown);
    assert(shown.includes(": me, too"), shown);
    assertEquals(scene.screen.rings, 1, name);
    assertEquals(scene.conversation.state, "online");
  };
  for (const name of NAMES) {
    // deno-lint-ignore no-await-in-loop -- one chat after the other
    await seen(name);
  }
  await fc.assert(
    fc.asyncProperty(anyName.filter((name) => name !== "Bob" && name.length < 20), seen),
    { numRuns: 60 },
  );
});
