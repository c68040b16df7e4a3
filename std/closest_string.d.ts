/**
 * The word of `possibleWords` with the least Levenshtein distance to `givenWord`.
 *
 * @throws {TypeError} when `possibleWords` is empty.
 */
export function closestString(givenWord: string, possibleWords: readonly string[]): string;
