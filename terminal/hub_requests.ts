import { CommandError } from "../chat/commands.ts";
import { ConnectError, RequestError } from "../client/types.ts";
import type { ChatContext } from "./chat_context.ts";
import { ExportError } from "./export_file.ts";

/** Nothing was sent. The user gets the text back. */
export class NotSentError extends CommandError {}

/** Requests to the hub whose answers are shown. */
export class HubRequests {
  constructor(private readonly context: ChatContext, private readonly refresh: () => void) {}

  /** @throws {NotSentError} if the hub has ended the session. */
  assertConnected(): void {
    const { link } = this.context.status;
    if (link.kind !== "ended") return;
    const reason = withoutFullStop(link.reason);
    throw new NotSentError(`Not connected: ${reason}. /quit leaves; then start bcast again`);
  }

  /** Shows an answer, or why there is none. */
  show<T>(answer: Promise<T>, show: (answer: T) => void, failed = "Rejected"): void {
    const { windows, connection } = this.context;
    void answer.then(show, (error: unknown) => {
      // The end of the session is told once, not for every request.
      if (error instanceof ConnectError && connection.state === "closed") return;
      if (
        error instanceof RequestError || error instanceof ConnectError ||
        error instanceof ExportError
      ) return windows.problem(`${failed}: ${error.message}`);
      throw error;
    }).finally(this.refresh);
  }
}

/** For use within a longer sentence. */
export function withoutFullStop(text: string): string {
  return text.replace(/\.$/, "");
}
