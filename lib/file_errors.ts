/** Why a file cannot be read, in a few words a user understands; the runtime's are not. */
export function readErrorText(error: unknown): string {
  // The executable has no more permissions than it needs.
  if (error instanceof Deno.errors.NotCapable) {
    return "it is in /dev, /proc or /sys, where this program opens nothing. Name another file";
  }
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory";
  if (error instanceof Deno.errors.NotADirectory) return "its directory is a file";
  if (!(error instanceof Error)) return String(error);
  // The runtime ends its messages with the call that failed: ": open '/a/b'".
  return error.message.replace(/ \(os error \d+\).*$/s, "");
}

/** As {@linkcode readErrorText}, for a file that would be created if missing. */
export function writeErrorText(error: unknown): string {
  return error instanceof Deno.errors.NotFound
    ? "its directory does not exist"
    : readErrorText(error);
}
