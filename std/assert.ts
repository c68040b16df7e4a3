// The one typed door to `@std/assert`, taken from npm because the registry it is published to
// cannot be reached from every network.  Same code; the package carries no types.
// @ts-types="./assert.d.ts"
export * from "npm:deno-std@1.4.0/assert/mod.js";
