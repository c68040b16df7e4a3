import { assertEquals, assertStrictEquals } from "@std/assert";
import type { MessageDraft } from "../../../broker/broker.ts";
import type { Message } from "../../../protocol.ts";
import { type ContractTest, draft, drafts, ids, readAll, store } from "./broker_contract_kit.ts";

/** `subscribe()`. */
export function listenContract(test: ContractTest): void {
  test("`subscribe()` delivers stored messages in order before `append()` resolves", async (place) => {
    await using broker = await place.open();
    const heard: Message[] = [];
    const order: string[] = [];
    using _ = broker.subscribe((messages) => {
      heard.push(...messages);
      order.push("heard");
    });
    const appended = broker.append([...drafts("a", 2), ...drafts("b", 1)]);
    void appended.then(() => order.push("resolved"));
    await appended;
    await store(broker, drafts("a", 1));
    assertEquals(order.slice(0, 2), ["heard", "resolved"]);
    assertEquals(heard.map(({ room, id }) => `${room}${id}`), ["a1", "a2", "b1", "a3"]);
    assertEquals(await readAll(broker, "a"), heard.filter(({ room }) => room === "a"));
  });

  test("`subscribe()` passes this broker's drafts, one per message", async (place) => {
    await using broker = await place.open();
    const given: MessageDraft[] = [];
    using _ = broker.subscribe((messages, from) => {
      assertEquals(from?.length, messages.length);
      given.push(...from ?? []);
    });
    const origin = { sender: "s", key: "1" };
    const [one, repeat, two] = [
      draft("a", "1", origin),
      draft("a", "1", origin),
      draft("a", "2"),
    ] as const;
    await broker.append([one, repeat, two]);
    assertEquals(given.length, 2);
    assertStrictEquals(given[0], one);
    assertStrictEquals(given[1], two);
  });

  test("`subscribe()` delivers only between subscription and disposal", async (place) => {
    await using broker = await place.open();
    await store(broker, drafts("lobby", 2));
    const heard: number[] = [];
    const subscription = broker.subscribe((messages) => heard.push(...ids(messages)));
    await store(broker, drafts("lobby", 2));
    subscription[Symbol.dispose]();
    subscription[Symbol.dispose]();
    await store(broker, drafts("lobby", 2));
    assertEquals(heard, [3, 4]);
  });

  test("an error in a listener of `subscribe()` affects neither other listeners nor `append()`", async (place) => {
    await using broker = await place.open();
    const heard: number[] = [];
    using _before = broker.subscribe((messages) => heard.push(...ids(messages)));
    using _faulty = broker.subscribe(() => {
      throw new Error("a listener's fault, thrown by a test");
    });
    using _after = broker.subscribe((messages) => heard.push(...ids(messages)));
    await store(broker, drafts("lobby", 1));
    await store(broker, drafts("lobby", 1));
    assertEquals(heard, [1, 1, 2, 2]);
  });

  test("`subscribe()` twice with one listener delivers twice", async (place) => {
    await using broker = await place.open();
    let calls = 0;
    const listener = (): void => void calls++;
    const first = broker.subscribe(listener);
    using _ = broker.subscribe(listener);
    await store(broker, drafts("lobby", 1));
    assertEquals(calls, 2);
    first[Symbol.dispose]();
    await store(broker, drafts("lobby", 1));
    assertEquals(calls, 3);
  });

  test("`subscribe()` keeps the order if a listener appends", async (place) => {
    await using broker = await place.open();
    const heard: number[][] = [[], []];
    let nested: Promise<unknown> | undefined;
    using _first = broker.subscribe((messages) => {
      heard[0]?.push(...ids(messages));
      nested ??= store(broker, drafts("lobby", 2));
    });
    using _second = broker.subscribe((messages) => heard[1]?.push(...ids(messages)));
    await store(broker, drafts("lobby", 2));
    await nested;
    await store(broker, drafts("lobby", 1));
    assertEquals(heard, [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5]]);
  });

  test("a listener may subscribe and dispose", async (place) => {
    await using broker = await place.open();
    const heard: string[] = [];
    const late: Disposable[] = [];
    const first = broker.subscribe((messages) => {
      heard.push(`first ${ids(messages).join()}`);
      second[Symbol.dispose]();
      first[Symbol.dispose]();
      late.push(
        broker.subscribe((more) => void heard.push(`late ${ids(more).join()}`)),
      );
    });
    const second = broker.subscribe((messages) => {
      heard.push(`second ${ids(messages).join()}`);
    });
    await store(broker, drafts("lobby", 1));
    await store(broker, drafts("lobby", 1));
    assertEquals(heard, ["first 1", "late 2"]);
    for (const subscription of late) subscription[Symbol.dispose]();
  });

  test("`observeAppends()` reports every append before its promise resolves, until disposed", async (store) => {
    await using broker = await store.open();
    const took: number[] = [];
    const observed = broker.observeAppends((milliseconds) => took.push(milliseconds));
    await broker.append([draft("lobby", "a"), draft("lobby", "b")]);
    assertEquals(took.length, 1);
    const [receipt] = await broker.append([draft("lobby", { data: 1n })]);
    assertEquals(receipt?.kind, "failed");
    assertEquals(took.length, 2);
    assertEquals(took.every((milliseconds) => milliseconds >= 0), true);
    observed[Symbol.dispose]();
    await broker.append([draft("lobby", "c")]);
    assertEquals(took.length, 2);
  });
}
