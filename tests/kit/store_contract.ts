/** A store that is open until disposed. */
export interface OpenStore<Store> extends AsyncDisposable {
  readonly store: Store;
}

/** A place where a store keeps its data. */
export interface StorePlace<Store> {
  /** Opens the store; after it was closed, with the data that it had. */
  open(): Promise<OpenStore<Store>>;
  /** Whether the data outlives the store. */
  readonly persistent: boolean;
  /** Removes the data. */
  cleanup(): Promise<void>;
}

/** Makes an empty place. */
export type StoreFactory<Store> = () => Promise<StorePlace<Store>>;

/** Registers a test that gets an empty place. */
export type StoreTest<Store> = (
  what: string,
  run: (place: StorePlace<Store>) => Promise<void>,
) => void;

/** Registers the tests of a contract for one implementation. */
export function storeTests<Store>(name: string, factory: StoreFactory<Store>): StoreTest<Store> {
  return (what, run) => {
    Deno.test(`${name}: ${what}`, async () => {
      const place = await factory();
      try {
        await run(place);
      } finally {
        await place.cleanup();
      }
    });
  };
}
