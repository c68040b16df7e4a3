// The one typed door to `@std/fmt` (see assert.ts for why it comes from npm).
// @ts-types="./colors.d.ts"
export * as colors from "npm:deno-std@1.4.0/fmt/colors.js";
// @ts-types="./format.d.ts"
export { format as formatBytes } from "npm:deno-std@1.4.0/fmt/bytes.js";
