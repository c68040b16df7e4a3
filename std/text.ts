// The one typed door to `@std/text` (see assert.ts for why it comes from npm).
// @ts-types="./closest_string.d.ts"
export { closestString } from "npm:deno-std@1.4.0/text/closest_string.js";
