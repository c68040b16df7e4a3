// `@std/assert` from npm, because its own registry, JSR, is unreachable from some networks. The code is
// the same; the package has no types.
// @ts-types="./assert.d.ts"
export * from "npm:deno-std@1.4.0/assert/mod.js";
