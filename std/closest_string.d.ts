/**
 * The one of `possibleWords` nearest to `givenWord` by Levenshtein distance.
 *
 * @throws {TypeError} when `possibleWords` is empty.
 */
export function closestString(givenWord: string, possibleWords: readonly string[]): string;
