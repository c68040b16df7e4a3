/**
 * Splits a command line into words as a POSIX shell does, but expands nothing. An unterminated quote
 * ends with the text.
 */
export function shellWords(line: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at);
    if (quote === "'" && character !== "'") {
      word += character;
    } else if (character === "\\") {
      const next = line.charAt(++at);
      // Within double quotes, a backslash is literal before most characters.
      word = (word ?? "") + (quote === '"' && !/["\\$`]/.test(next) ? character + next : next);
    } else if (quote !== "") {
      if (character === quote) quote = "";
      else word += character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= "";
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + character;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** Quotes `text` as one word for a POSIX shell, if necessary. */
export function shellWord(text: string): string {
  return /^[\w.,:/@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** How this program was started. */
export interface Launch {
  /** Whether this is the compiled executable, not Deno running the sources. */
  readonly standalone: boolean;
  readonly execPath: string;
  readonly denoVersion: string;
}

/** The launch of this process. */
export function currentLaunch(): Launch {
  return {
    standalone: Deno.build.standalone,
    execPath: Deno.execPath(),
    denoVersion: Deno.version.deno,
  };
}

/** The command that runs this program: `bcast`, or Deno's task runner in a copy of the sources. */
export function programName({ standalone, execPath, denoVersion }: Launch): string {
  if (standalone) return "bcast";
  // npx installs into a directory of its own, which is not on the PATH.
  const viaNpx = /[\\/]_npx[\\/]/.test(execPath);
  return viaNpx ? `npx -y deno@${denoVersion} task` : "deno task";
}
