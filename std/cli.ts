// The one typed door to `@std/cli` (see assert.ts for why it comes from npm).
// @ts-types="./parse_args.d.ts"
export { parseArgs } from "npm:deno-std@1.4.0/cli/parse_args.js";
