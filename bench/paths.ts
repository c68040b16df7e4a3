/** The few things of paths that the bench needs: `node:path` and `node:url` have them all. */
export { join } from "node:path";
export { fileURLToPath as fromFileUrl } from "node:url";
