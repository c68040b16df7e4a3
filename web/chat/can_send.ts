import { ConnectError } from "../../client.ts";
import { CLOSE, nameKey } from "../../protocol.ts";
import { errorText } from "../state/sanitize.ts";
import type { ChatState, LinkStatus, ThreadKey } from "../state/types.ts";

/** Why nothing can be sent in a thread; `undefined` where something can. */
export function whyCannotSend(
  { connection, threads }: ChatState,
  key: ThreadKey,
): string | undefined {
  if (connection.state === "refused" || connection.state === "ended") return connection.reason;
  if (connection.state === "replaced") return "This conversation continues in another tab";
  return threads.get(key)?.closedReason;
}

/** Why a private message has to be sent twice. */
export function doubtful(name: string): string {
  return `This may be another ${name} than the one you talked to: send it again if you mean them`;
}

/** Private conversations whose key is another, because the other person took another name. */
export function renamedKeys(
  before: ChatState,
  { threads }: ChatState,
): readonly (readonly [from: ThreadKey, to: ThreadKey])[] {
  return [...before.threads.values()].flatMap(({ key, serial }) => {
    if (key.startsWith("#") || threads.has(key)) return [];
    const now = [...threads.values()].find((each) => each.serial === serial);
    return now === undefined ? [] : [[key, now.key] as const];
  });
}

/** Whether somebody sees what comes in there. */
export function isFocused({ focused, current }: ChatState, key: ThreadKey): boolean {
  return focused && current === key;
}

/** What the page shows of the error with which a conversation ended. */
export function linkAfter(error: unknown): LinkStatus {
  if (!(error instanceof ConnectError)) throw error;
  const { failure, code } = error;
  if (code === CLOSE.replaced) return { state: "replaced" };
  const reason = errorText(error).replace(/^The hub at \S+ refused: /, "");
  if (failure !== "refused") return { state: "ended", reason };
  return { state: "refused", reason, wantsToken: code === CLOSE.unauthorized || code === 401 };
}

/** Whether two names are one person's. */
export function sameName(one: string, other: string | undefined): boolean {
  return other !== undefined && nameKey(one) === nameKey(other);
}
