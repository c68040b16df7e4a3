/** Terminals (`TERM`) whose fonts often have letters alone. */
const PLAIN_TERMINALS: readonly string[] = ["", "dumb", "linux"];

/** Whether a terminal may lack signs such as a check mark: by its kind, or by a locale without UTF-8. */
export function lacksSymbols(env: (name: string) => string | undefined): boolean {
  if (PLAIN_TERMINALS.includes(env("TERM") ?? "")) return true;
  // The first of these that is set counts (POSIX, section 8.2); where none is, UTF-8 is usual.
  const locale = ["LC_ALL", "LC_CTYPE", "LANG"].map(env).find((value) => (value ?? "") !== "");
  return locale !== undefined && !/utf-?8/i.test(locale);
}
