import { nameFlag, roomsFlag, WAIT } from "./client_flags.ts";
import { TOKEN_FLAGS } from "./token.ts";
import type { CommandInput } from "../../cli/command.ts";
import { UsageError } from "../../cli/errors.ts";
import * as flag from "../../cli/flags.ts";
import type { FollowSelection } from "../pipeline/room_follower.ts";

export const FOLLOW_FLAGS = {
  room: roomsFlag("Room to follow (repeatable)"),
  name: nameFlag({ help: "Your name (a guest without one)" }),
  ...TOKEN_FLAGS,
  cursor: flag.text({
    placeholder: "FILE",
    help: "Resume from the position in FILE, and update it",
  }),
  after: flag.value<number | undefined>({
    fallback: undefined,
    placeholder: "ID",
    expects: "the id of a message, or 0 for everything there is",
    parse: (text) => /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined,
    help: "Start after this message ID (0 = oldest)",
  }),
  since: flag.seconds({
    fallback: 0,
    defaultText: "",
    min: 1,
    help: "Start with messages from the last TIME, such as 10m",
  }),
  count: flag.integer({
    fallback: 0,
    defaultText: "",
    min: 1,
    help: "Exit after this many messages",
  }),
  strict: flag.toggle({
    help: "Exit with 1 if missed messages are no longer stored",
  }),
  wait: WAIT,
};

/**
 * The rooms to follow and where to start.
 *
 * @throws {UsageError} if the flags contradict each other.
 */
export function followSelection(
  { flags, source }: CommandInput<typeof FOLLOW_FLAGS>,
): FollowSelection {
  const { room, name, after, since, strict, wait } = flags;
  const hasSince = source("since") !== "default";
  if (after !== undefined && hasSince) {
    throw new UsageError("Cannot use --after together with --since: leave one out");
  }
  return {
    rooms: room,
    sender: name,
    after,
    since: hasSince ? Date.now() - since * 1000 : undefined,
    strict,
    wait,
  };
}
