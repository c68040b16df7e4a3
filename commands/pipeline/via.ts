import { UsageError } from "../../cli/errors.ts";
import { isProgramId, MAX_VIA } from "../../protocol.ts";

/** The variable with the programs that caused a command, oldest first, separated by commas. */
export const VIA_VARIABLE = "BCAST_VIA";

/**
 * The identifier of a program that reacts to messages: a hash, the same in every run of the same
 * command line.
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

/** The `via` of a message with which `id` reacts to one with `via`; keeps the newest entries. */
export function extendVia(via: readonly string[] | undefined, id: string): readonly string[] {
  return [...(via ?? []).filter((item) => item !== id), id].slice(-MAX_VIA);
}

/** Combines the `via` of a message with that of this process; keeps the newest entries. */
export function joinVia(
  { via: own = [] }: { readonly via?: readonly string[] },
  { via: process = [] }: { readonly via?: readonly string[] },
): { readonly via?: readonly string[] } {
  if (own.length + process.length === 0) return {};
  return { via: [...own.filter((id) => !process.includes(id)), ...process].slice(-MAX_VIA) };
}

/**
 * The `via` of messages that this process sends, from {@linkcode VIA_VARIABLE}.
 *
 * @throws {UsageError} when the variable is malformed.
 */
export function viaOption(
  env: (name: string) => string | undefined,
): { readonly via?: readonly string[] } {
  const text = env(VIA_VARIABLE);
  if (text === undefined || text === "") return {};
  const via = text.split(",");
  if (via.every(isProgramId)) return { via: via.slice(-MAX_VIA) };
  throw new UsageError(
    `${VIA_VARIABLE} must hold identifiers of A-Z a-z 0-9 _ . - separated by commas: unset it, or ` +
      "leave it as bcast exec set it",
  );
}
