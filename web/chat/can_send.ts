import { ConnectError } from "../../client.ts";
import { CLOSE, nameKey } from "../../protocol.ts";
import { partnerDoubtReason } from "../../chat/partner.ts";
import { errorText } from "../state/sanitize.ts";
import type { ChatState, PageConnection, ThreadKey } from "../state/types.ts";

/** Why nothing can be sent in a thread; `undefined` if something can. */
export function whyCannotSend(
  { connection, threads }: ChatState,
  key: ThreadKey,
): string | undefined {
  if (connection.state === "refused" || connection.state === "ended") return connection.reason;
  if (connection.state === "replaced") return "This conversation continues in another tab";
  return threads.get(key)?.closedReason;
}

/** Why a private message has to be sent twice. */
export function confirmationText(name: string): string {
  return `${partnerDoubtReason(name)}: send it again if you mean them`;
}

/** Private conversations with new keys, because the other person has a new name. */
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

/** The status of a connection that ended with an error. */
export function linkAfter(error: unknown): PageConnection {
  if (!(error instanceof ConnectError)) throw error;
  const { failure, code } = error;
  if (code === CLOSE.replaced) return { state: "replaced" };
  const reason = errorText(error).replace(
    /^The hub at \S+ rejected the (?:connection|request): /,
    "",
  );
  if (failure !== "rejected") return { state: "ended", reason };
  return { state: "refused", reason, wantsToken: code === CLOSE.unauthorized || code === 401 };
}

/** Whether two names are the same to the hub. */
export function sameName(one: string, other: string | undefined): boolean {
  return other !== undefined && nameKey(one) === nameKey(other);
}
