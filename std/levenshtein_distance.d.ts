/** The number of letters to insert, delete or replace to turn one text into the other. */
export function levenshteinDistance(str1: string, str2: string): number;
