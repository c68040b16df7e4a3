// deno-lint-ignore-file no-console -- this script prints its results
/**
 * Checks whether a hub keeps the rules of `bcast.v1`, as far as a client can see them.
 *
 * Usage: `deno run -N conformance/run.ts ws://HOST:PORT [--token TOKEN]…`
 *
 * Prints a line for each rule, and exits with 1 if the hub breaks one. Needs only web APIs and the
 * files of its folder. Uses rooms and names of its own, and leaves some messages in them.
 *
 * @module
 */
import { CLOSING } from "./checks/closing.ts";
import { DIALECTS } from "./checks/dialects.ts";
import { HANDSHAKE } from "./checks/handshake.ts";
import { MESSAGES } from "./checks/messages.ts";
import { PRESENCE } from "./checks/presence.ts";
import { REQUESTS } from "./checks/requests.ts";
import { RESUMING } from "./checks/resuming.ts";
import { type Check, CheckContext, type HubUnderTest } from "./context.ts";
import { cut } from "./peer.ts";

/** All rules. */
export const CHECKS: readonly Check[] = [
  ...HANDSHAKE,
  ...REQUESTS,
  ...MESSAGES,
  ...RESUMING,
  ...PRESENCE,
  ...DIALECTS,
  ...CLOSING,
];

/** Whether a hub keeps a rule, and what was seen. */
export interface Result {
  readonly name: string;
  readonly ok: boolean;
  readonly saw: string;
}

/** Checks one rule. */
export async function check({ name, run }: Check, target: HubUnderTest): Promise<Result> {
  await using context = new CheckContext(target);
  try {
    return { name, ok: true, saw: cut(await run(context)) };
  } catch (error) {
    return {
      name,
      ok: false,
      saw: cut(error instanceof Error ? error.message : String(error), 800),
    };
  }
}

/** Reads `URL [--token TOKEN]…`; `undefined` if that is not what `args` are. */
export function parseTarget(args: readonly string[]): HubUnderTest | undefined {
  const [url, ...rest] = args;
  if (url === undefined || !/^wss?:\/\//.test(url)) return undefined;
  const tokens: string[] = [];
  for (let index = 0; index < rest.length; index += 2) {
    const token = rest[index + 1];
    if (rest[index] !== "--token" || token === undefined) return undefined;
    tokens.push(token);
  }
  return { url, tokens };
}

/** Checks all rules, and prints the results. Returns the number of broken ones. */
export async function runAll(target: HubUnderTest): Promise<number> {
  let broken = 0;
  for (const rule of CHECKS) {
    const { name, ok, saw } = await check(rule, target);
    if (!ok) broken++;
    console.log(`${ok ? "ok  " : "FAIL"}  ${name}: ${saw}`);
  }
  console.log(`${CHECKS.length - broken} of ${CHECKS.length} rules kept`);
  return broken;
}

if (import.meta.main) {
  const target = parseTarget(Deno.args);
  if (target === undefined) {
    console.error("Usage: deno run -N conformance/run.ts ws://HOST:PORT [--token TOKEN]…");
    Deno.exit(2);
  }
  if (await runAll(target) > 0) Deno.exit(1);
}
