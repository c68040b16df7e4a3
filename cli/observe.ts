import { HubApi, type HubApiOptions } from "../client.ts";
import { isRoomName } from "../protocol.ts";
import { ADDRESS_FLAGS, hubAddress } from "./address.ts";
import type { CommandInput } from "./command.ts";
import * as flag from "./flags.ts";

/** What a room must be, to go on after "must be". */
export const A_ROOM = "a room: 1 to 64 of a-z 0-9 . _ - that start with a letter or digit";

/** The flags of commands that look on without taking part. */
export const OBSERVER_FLAGS = {
  ...ADDRESS_FLAGS,
  token: flag.text({
    placeholder: "TOKEN",
    help: "What lets you in, where the hub asks for it; safer as BCAST_TOKEN",
  }),
};

/** A flag for one room. */
export function roomFlag(help: string, shown: string): flag.Flag<string | undefined> {
  return flag.value<string | undefined>({
    fallback: undefined,
    placeholder: "ROOM",
    shown,
    expects: A_ROOM,
    read: (text) => isRoomName(text) ? text : undefined,
    help,
  });
}

/** The hub that such a command asks, over HTTP. */
export function observe(
  input: CommandInput<typeof OBSERVER_FLAGS>,
  options: Pick<HubApiOptions, "signal" | "timeout"> = {},
): HubApi {
  const { token } = input.flags;
  return new HubApi({
    url: hubAddress(input),
    ...(token === undefined ? {} : { token }),
    ...options,
  });
}
