import config from "../deno.json" with { type: "json" };

/** The version of the program; `deno.json` is its only source. */
export const VERSION: string = config.version;

/** This program, as the two ends of a connection introduce themselves. */
export const PROGRAM: { readonly name: string; readonly version: string } = {
  name: "bcast",
  version: VERSION,
};
