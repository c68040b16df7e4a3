/**
 * fast-check with a fixed seed, so that a run of the tests says the same each time.
 * `BCAST_TEST_SEED=N` tries other inputs.
 *
 * @module
 */

import fc from "fast-check/unseeded";

fc.configureGlobal({
  ...fc.readConfigureGlobal(),
  seed: Number(Deno.env.get("BCAST_TEST_SEED") ?? 1),
});

export * from "fast-check/unseeded";
export default fc;
