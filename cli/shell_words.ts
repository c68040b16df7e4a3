/**
 * The words of a command line as a shell would part them, without anything being expanded: what a
 * shell would run or look up stays as it is written. A quote that does not end ends with the text.
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
      // Between double quotes a backslash is itself before most characters.
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

/** `text` as one word of a command line, in quotes where a shell would make something else of it. */
export function shellWord(text: string): string {
  return /^[\w.,:/@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
