import { appendContract } from "./broker_contract_append.ts";
import { batchContract } from "./broker_contract_batch.ts";
import { dedupeContract } from "./broker_contract_dedupe.ts";
import type { BrokerFactory, ContractTest } from "./broker_contract_kit.ts";
import { listenContract } from "./broker_contract_listen.ts";
import { measuresContract } from "./broker_contract_measures.ts";
import { ownedNamesContract } from "./broker_contract_names.ts";
import { readContract } from "./broker_contract_read.ts";
import { searchContract } from "./broker_contract_search.ts";
import { trimContract } from "./broker_contract_trim.ts";

export type { BrokerFactory, BrokerStore, OpenOptions } from "./broker_contract_kit.ts";

/** Registers tests over everything that `broker.ts` promises. */
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
  listenContract(test);
  measuresContract(test);
  ownedNamesContract(test);
  readContract(test);
  searchContract(test);
  trimContract(test);
}
