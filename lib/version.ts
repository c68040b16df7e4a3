import config from "../deno.json" with { type: "json" };

/** The version of the program; `deno.json` is its only source. */
export const VERSION: string = config.version;
