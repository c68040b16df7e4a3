/** A store that is open until disposed. */
export interface OpenStore<Store> extends AsyncDisposable {
  readonly store: Store;
}

/** The location of the data of a store. */
export interface StorePlace<Store> {
  /** Opens the store; reopening it restores the data. */
  open(): Promise<OpenStore<Store>>;
  /** Whether the data outlives the store. */
  readonly persistent: boolean;
  /** Removes the data. */
  cleanup(): Promise<void>;
}

export type StoreFactory<Store> = () => Promise<StorePlace<Store>>;

/** Registers a test with an empty place. */
export type StoreTest<Store> = (
  name: string,
  run: (place: StorePlace<Store>) => Promise<void>,
) => void;

/** Returns a function that registers contract tests for one implementation. */
export function storeTests<Store>(
  implementation: string,
  factory: StoreFactory<Store>,
): StoreTest<Store> {
  return (name, run) => {
    Deno.test(`${implementation}: ${name}`, async () => {
      const place = await factory();
      try {
        await run(place);
      } finally {
        await place.cleanup();
      }
    });
  };
}
