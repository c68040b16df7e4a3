import { nameKey, visible } from "../protocol.ts";

/** The mark behind a name that a token proved. */
export const VERIFIED_MARK = "✓";

/**
 * The same for terminals that have no such character. No name holds a slash, so none can end like
 * this.
 */
export const VERIFIED_WORD = "/verified";

// Check marks and what looks like one.
const LOOKALIKES = /[✓✔✅☑√⍻\u{10102}\u{1F5F8}\u{1F5F9}\u{1FBB1}]/gu;

/**
 * A name as people see it: harmless, and without anything that looks like {@linkcode VERIFIED_MARK},
 * which names may hold.
 */
export function displayName(name: string): string {
  return visible(name).replace(LOOKALIKES, (sign) => {
    const code = sign.codePointAt(0) ?? 0;
    return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
  });
}

/** Whether a token proved the name under which a message was sent. */
export function isVerified(
  { sender, account }: { readonly sender: string; readonly account?: string },
): boolean {
  // An account with another name proves nothing about this one.
  return account !== undefined && nameKey(account) === nameKey(sender);
}
