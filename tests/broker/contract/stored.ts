import { assertEquals } from "@std/assert";
import type { MessageDraft } from "../../../broker/broker.ts";
import { type ContractTest, draft, ids, kinds, store } from "./broker_contract_kit.ts";

/** `MessageDraft.onStored()`. */
export function storedContract(test: ContractTest): void {
  /** A draft that notes in `order` when it is stored. */
  const noted = (
    order: string[],
    room: string,
    text: string,
    origin?: MessageDraft["origin"],
  ): MessageDraft => ({
    ...draft(room, text, origin),
    onStored: ({ id }) => void order.push(`${room}${id} stored`),
  });

  test("`append()` calls `onStored()` with message and epoch before any listener and its result", async (place) => {
    await using broker = await place.open();
    const order: string[] = [];
    using _first = broker.subscribe((messages) => order.push(`first ${ids(messages)}`));
    using _second = broker.subscribe((messages) => order.push(`second ${ids(messages)}`));
    const given: unknown[] = [];
    const appended = broker.append([
      noted(order, "a", "1"),
      draft("a", "2"),
      {
        ...draft("b", "3"),
        onStored(message, epoch) {
          given.push(this.content, message, epoch);
          order.push(`${message.room}${message.id} stored`);
        },
      },
    ]);
    void appended.then(() => order.push("resolved"));
    const receipts = await appended;
    await Promise.resolve();
    assertEquals(order, ["a1 stored", "b1 stored", "first 1,2,1", "second 1,2,1", "resolved"]);
    const [, , third] = receipts;
    const message = third?.kind === "stored" ? third.message : undefined;
    const { epoch } = await broker.head("b");
    assertEquals(given, [{ message: "3" }, message, epoch]);
    assertEquals(receipts.map((one) => one.kind === "stored" && one.epoch), [epoch, epoch, epoch]);
  });

  test("`append()` does not call `onStored()` for repeats, reused keys and failures", async (place) => {
    await using broker = await place.open();
    const order: string[] = [];
    const origin = { sender: "s", key: "k" };
    const repeat = noted(order, "a", "1", origin);
    const receipts = await broker.append([repeat, repeat, noted(order, "a", "other", origin)]);
    assertEquals(kinds(receipts), ["stored", "duplicate", "reused"]);
    assertEquals(kinds(await broker.append([repeat])), ["duplicate"]);
    const failed = await broker.append([noted(order, "a", "2"), draft("a", { data: 1n })]);
    assertEquals(kinds(failed), ["failed", "failed"]);
    assertEquals(order, ["a1 stored"]);
  });

  test("`append()` calls `onStored()` before the listeners if a listener appends", async (place) => {
    await using broker = await place.open();
    const order: string[] = [];
    let nested: Promise<unknown> | undefined;
    using _first = broker.subscribe((messages) => {
      order.push(`first ${ids(messages)}`);
      nested ??= store(broker, [noted(order, "a", "nested"), noted(order, "a", "nested")]);
    });
    using _second = broker.subscribe((messages) => order.push(`second ${ids(messages)}`));
    await store(broker, [noted(order, "a", "outer")]);
    await nested;
    assertEquals(order, [
      ...["a1 stored", "first 1", "a2 stored", "a3 stored"],
      ...["second 1", "first 2,3", "second 2,3"],
    ]);
  });

  test("an error in `onStored()` affects neither other drafts nor listeners", async (place) => {
    await using broker = await place.open();
    const order: string[] = [];
    using _ = broker.subscribe((messages) => order.push(`heard ${ids(messages)}`));
    await store(broker, [
      {
        ...draft("a", "1"),
        onStored: () => {
          throw new Error("an author's fault, thrown by a test");
        },
      },
      noted(order, "a", "2"),
    ]);
    assertEquals(order, ["a2 stored", "heard 1,2"]);
  });
}
