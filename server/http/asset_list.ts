/** The file in `web/dist` that lists the others. */
export const LIST = "list.json";

/** The path of the page itself. */
export const PAGE = "index.html";

/** Content codings (RFC 9110 section 8.4.1) that files are kept in, the better ones first. */
export const CODINGS = ["br", "gzip"] as const;

/** One of {@linkcode CODINGS}. */
export type Coding = (typeof CODINGS)[number];

/** One file of the web page. */
export interface AssetEntry {
  /** Where it is in `web/dist`, and under the hub's address; compressed, with `.br` or `.gzip` after it. */
  readonly path: string;
  /** Its media type. */
  readonly type: string;
  /** SHA-256 of what it says, in hexadecimal. */
  readonly hash: string;
  /** Whether its name has the hash in it, so that it never changes. */
  readonly immutable: boolean;
  readonly codings: readonly Coding[];
}

/** What the build made. */
export interface AssetList {
  /** A hash of everything that the page is made of. */
  readonly sources: string;
  readonly files: readonly AssetEntry[];
}
