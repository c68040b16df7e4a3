/** Runs the conformance script against a hub of this repository. */
import { runAll } from "../../conformance/run.ts";
import { startTestHub } from "../kit/test_hub.ts";

await using hub = await startTestHub();
const broken = await runAll({ url: hub.url, tokens: [] });
Deno.exitCode = broken === 0 ? 0 : 1;
