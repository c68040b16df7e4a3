import { UsageError } from "../../cli/errors.ts";
import { isProgramId, MAX_VIA } from "../../protocol.ts";

/** The variable that tells a command which programs caused it, oldest first, with commas between. */
export const VIA_VARIABLE = "BCAST_VIA";

/**
 * The identifier of a program that reacts to messages. It is the same in every run of the same
 * command line, and says nothing about it.
 */
export async function programId(
  hub: string,
  rooms: readonly string[],
  command: readonly string[],
): Promise<string> {
  const text = JSON.stringify([hub, rooms.toSorted(), command]);
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(hash, 0, 8).toHex();
}

/** The chain of what `id` causes by its reaction to a message with `via`: the newest ones. */
export function extendVia(via: readonly string[] | undefined, id: string): readonly string[] {
  return [...(via ?? []).filter((item) => item !== id), id].slice(-MAX_VIA);
}

/** The programs that caused a message: those that it names itself, then those of this process. */
export function joinVia(
  { via: own = [] }: { readonly via?: readonly string[] },
  { via: process = [] }: { readonly via?: readonly string[] },
): { readonly via?: readonly string[] } {
  if (own.length + process.length === 0) return {};
  return { via: [...own.filter((id) => !process.includes(id)), ...process].slice(-MAX_VIA) };
}

/**
 * What a message says that this process sends: the programs that caused the process.
 *
 * @throws {UsageError} when {@linkcode VIA_VARIABLE} holds something else.
 */
export function viaOption(
  env: (name: string) => string | undefined,
): { readonly via?: readonly string[] } {
  const text = env(VIA_VARIABLE);
  if (text === undefined || text === "") return {};
  const via = text.split(",");
  if (via.every(isProgramId)) return { via: via.slice(-MAX_VIA) };
  throw new UsageError(
    `${VIA_VARIABLE} must be identifiers of A-Z a-z 0-9 _ . - with commas between: unset it, or ` +
      "leave it as bcast exec has set it",
  );
}
