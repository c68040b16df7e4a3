/** The file in `web/dist` that lists the others. */
export const LIST = "list.json";

/** The path of the page itself. */
export const PAGE = "index.html";

/** Content codings (RFC 9110 section 8.4.1) that the build stores, the better ones first. */
export const CODINGS = ["br", "gzip"] as const;

/** One of {@linkcode CODINGS}. */
export type Coding = (typeof CODINGS)[number];

/** One file of the web page. */
export interface AssetEntry {
  /** Below `web/dist` and the hub's address. Compressed files have `.br` or `.gzip` after it. */
  readonly path: string;
  /** Its media type. */
  readonly type: string;
  /** SHA-256 of its content, in hexadecimal. */
  readonly hash: string;
  /** Whether its name contains the hash, so that it never changes. */
  readonly immutable: boolean;
  readonly codings: readonly Coding[];
}

/** The output of the build. */
export interface AssetList {
  /** A hash of all sources of the page. */
  readonly sources: string;
  readonly files: readonly AssetEntry[];
}
