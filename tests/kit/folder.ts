/** A folder that is deleted when it is disposed of. */
export interface Folder extends AsyncDisposable {
  readonly path: string;
}

/** Creates an empty folder for one test. */
export async function temporaryFolder(): Promise<Folder> {
  const path = await Deno.makeTempDir({ prefix: "bcast-test-" });
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
