import { isRoomName, type ModerationReport, normalizeName, visible } from "../../protocol.ts";
import { ACCESS_FLAGS, NAME, ROOM } from "./client_flags.ts";
import type { CommandInput } from "../../cli/command.ts";
import type { Context } from "../../cli/context.ts";
import { EXIT, type ExitCode, UsageError } from "../../cli/errors.ts";
import * as flag from "../../cli/flags.ts";
import { observe, type Observer } from "./observer.ts";
import { watchInterrupts } from "../../cli/signals.ts";

export const MODERATOR_FLAGS = ACCESS_FLAGS;

export const REASON = {
  reason: flag.text({
    placeholder: "TEXT",
    help: "Reason shown to the users concerned",
    localOnly: true,
  }),
};

export const SANCTION_FLAGS = {
  for: flag.seconds({
    fallback: 0,
    max: 10 * 365 * 86_400,
    defaultText: "until lifted",
    help: "Duration, such as 90s, 15m, 12h, 1d, 2w",
    localOnly: true,
  }),
  ...REASON,
};

export function addressOf(help: string): { readonly address: flag.Flag<string | undefined> } {
  return { address: flag.text({ placeholder: "ADDR", help, localOnly: true }) };
}

export const ADDRESS = addressOf("Clients from this address (IPv6: its /64 network)");

/** The name may be left out where an address can replace it. */
export const TARGET = { placeholder: "NAME", help: "Name of the user" };

export const REQUIRED_TARGET = { ...TARGET, required: true } as const;

type Input = Pick<CommandInput<typeof MODERATOR_FLAGS>, "flags" | "source">;

/** Connects to the hub that the flags name. */
export async function withHub<T>(
  { flags, source }: Input,
  context: Context,
  ask: (hub: Observer) => Promise<T>,
): Promise<T> {
  using interruption = watchInterrupts(context);
  await using hub = await observe({ flags, source, positional: undefined }, interruption);
  return await ask(hub);
}

/** Sends a moderation action. */
export function moderate(
  input: Input,
  context: Context,
  what: string,
  fields: object,
): Promise<ModerationReport> {
  return withHub(input, context, (hub) => hub.moderate(what, fields));
}

/** Lifts a sanction. */
export async function lift(
  input: CommandInput<typeof MODERATOR_FLAGS & typeof ADDRESS>,
  context: Context,
  what: "unban" | "unmute",
): Promise<ExitCode> {
  const whom = targetOf(what, input.positional, input.flags.address);
  await moderate(input, context, what, whom);
  const was = what === "unban" ? "banned" : "muted";
  await context.stdout.write(`No longer ${was}: ${formatTarget(whom)}\n`);
  return EXIT.done;
}

/**
 * The target of a command: a name, an address, or both.
 *
 * @throws {UsageError} if there is neither.
 */
export function targetOf(
  command: string,
  name: string | undefined,
  address: string | undefined,
): { readonly name?: string; readonly address?: string } {
  if (name === undefined && address === undefined) {
    throw new UsageError(
      `No target given. Use bcast ${command} NAME, or bcast ${command} --address ADDR`,
    );
  }
  return {
    ...(name === undefined ? {} : { name: nameOf(command, name) }),
    ...(address === undefined ? {} : { address }),
  };
}

/**
 * The name in the argument of a command.
 *
 * @throws {UsageError} if it is missing or invalid.
 */
export function nameOf(command: string, given: string | undefined): string {
  if (given === undefined) throw new UsageError(`No name given. Use bcast ${command} NAME`);
  const name = normalizeName(given);
  if (name !== undefined) return name;
  throw new UsageError(`NAME must be ${NAME}; it is "${visible(given.slice(0, 60))}"`);
}

/**
 * The room in the argument of a command.
 *
 * @throws {UsageError} if it is missing or invalid.
 */
export function roomOf(command: string, given: string | undefined): string {
  if (given === undefined) throw new UsageError(`No room given. Use bcast ${command} ROOM`);
  if (isRoomName(given)) return given;
  throw new UsageError(`ROOM must be ${ROOM}; it is "${visible(given.slice(0, 60))}"`);
}

/** Reason and duration, as fields of an action. */
export function sanctionOptionsOf(
  { reason, for: seconds = 0 }: { readonly reason?: string | undefined; readonly for?: number },
): { readonly reason: string | undefined; readonly for?: number } {
  return {
    reason,
    ...(seconds === 0 ? {} : { for: seconds }),
  };
}

export function formatTarget({ name, address }: {
  readonly name?: string;
  readonly address?: string;
}): string {
  return [name, address].filter((one) => one !== undefined).map((one) => visible(one))
    .join(" and ");
}
