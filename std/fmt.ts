// `@std/fmt` from npm; see assert.ts for why.
// @ts-types="./format.d.ts"
export { format as formatBytes } from "npm:deno-std@1.4.0/fmt/bytes.js";
