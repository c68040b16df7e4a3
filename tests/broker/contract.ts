import { appendContract } from "./contract/append.ts";
import { batchContract } from "./contract/batch.ts";
import { dedupeContract } from "./contract/dedupe.ts";
import type { BrokerFactory, ContractTest } from "./contract/broker_contract_kit.ts";
import { listenContract } from "./contract/subscribe.ts";
import { keyContract } from "./contract/keys.ts";
import { storedContract } from "./contract/stored.ts";
import { readContract } from "./contract/read.ts";
import { searchContract } from "./contract/search.ts";
import { trimContract } from "./contract/trim.ts";

export type { BrokerFactory, BrokerStore, OpenOptions } from "./contract/broker_contract_kit.ts";

/** Registers tests of everything that `Broker` promises. */
export function brokerContract(name: string, factory: BrokerFactory): void {
  const test: ContractTest = (what, run) => {
    Deno.test(`${name}: ${what}`, async () => {
      const store = await factory();
      try {
        await run(store);
      } finally {
        await store.cleanup();
      }
    });
  };
  appendContract(test);
  batchContract(test);
  dedupeContract(test);
  keyContract(test);
  listenContract(test);
  readContract(test);
  searchContract(test);
  storedContract(test);
  trimContract(test);
}
