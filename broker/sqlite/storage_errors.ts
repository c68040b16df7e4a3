/** A problem with a file of the log, explained for operators. */
export interface StorageProblem {
  /** A few words. */
  readonly what: string;
  /** An imperative without a full stop. */
  readonly remedy: string;
}

const MOVE = "move the log away to start empty";

/** Known messages of SQLite and the system; the first match counts. */
const STORAGE_PROBLEMS: readonly (readonly [pattern: RegExp, problem: StorageProblem])[] = [
  [
    // Deno's message about permissions that the executable lacks.
    /^Requires \w+ access to "/,
    {
      what: "it is in /dev, /proc or /sys, where this program opens nothing",
      remedy: "Name another file",
    },
  ],
  [
    /the log was deleted or replaced/,
    {
      what: "the file of the log was deleted or replaced",
      remedy: "Put the original file back, or stop the hub",
    },
  ],
  [
    /database or disk is full|no space left|ENOSPC/i,
    { what: "the disk is full", remedy: "Free some space" },
  ],
  [/quota/i, { what: "the disk quota is used up", remedy: "Free some space or raise the quota" }],
  [
    /file too large|EFBIG/i,
    {
      what: "a file has reached its size limit",
      remedy: "Raise the limit on file sizes (ulimit -f)",
    },
  ],
  [
    /read-?only file system|EROFS/i,
    { what: "the file system is read-only", remedy: "Mount it writable" },
  ],
  [
    /readonly database|permission denied|EACCES|EPERM|not permitted/i,
    { what: "permission denied", remedy: "Let the user of the hub write there" },
  ],
  [
    /too many open files|EMFILE|ENFILE/i,
    { what: "too many files are open", remedy: "Raise the limit on open files (ulimit -n)" },
  ],
  [
    /not a database|malformed|corrupt/i,
    { what: "it is damaged", remedy: `Restore a backup, or ${MOVE}` },
  ],
  [
    /is a directory|EISDIR/i,
    { what: "it is a directory", remedy: "Move the directory away" },
  ],
  [
    /not a directory|ENOTDIR|file exists \(os error/i,
    { what: "its directory is a file", remedy: "Name another directory" },
  ],
  [
    /no such file|ENOENT/i,
    { what: "there is no such file or directory", remedy: "Check the path" },
  ],
  [
    /\b(locked|busy)\b/i,
    { what: "another process holds it", remedy: "Stop that process" },
  ],
  [
    /disk I\/O error|input\/output error|EIO\b|ESTALE|stale file/i,
    { what: "the disk reports an error", remedy: "Check the disk and the system's log" },
  ],
  [
    /unable to open database/i,
    {
      what: "the file cannot be opened",
      remedy: "Check that its directory exists and is writable",
    },
  ],
];

export function explainStorageError(error: unknown): StorageProblem {
  return knownProblem(error) ??
    { what: oneLine(messageOf(error)), remedy: "Check the disk and the rights on the files" };
}

/** The problem, if it is one of {@linkcode STORAGE_PROBLEMS}; its texts contain no path. */
export function knownProblem(error: unknown): StorageProblem | undefined {
  const said = messageOf(error);
  return STORAGE_PROBLEMS.find(([pattern]) => pattern.test(said))?.[1];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** One line: `Cannot X: what is wrong. What to do`. */
export function storageMessage(cannot: string, error: unknown): string {
  const { what, remedy } = explainStorageError(error);
  return `${cannot}: ${what}. ${remedy}`;
}

/** Joins lines and removes the full stop. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim().replace(/\.$/, "");
}
