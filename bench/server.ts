/**
 * Processes of the benchmark: started with enough file descriptors, always ended.
 *
 * @module
 */

/** A running server; disposing of it ends it. */
export interface RunningServer extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

const START_MS = 20_000;
const STOP_MS = 3_000;
/** Characters of a failed process's error output that are shown. */
const MAX_ERROR_CHARS = 4_000;

// Raises the limit if it is too low, and never lowers it. With `exec`, there is no shell between this
// process and the server, so signals and /proc concern the server.
const RAISE_FILE_LIMIT =
  '[ "$(ulimit -n)" = unlimited ] || [ "$(ulimit -n)" -ge "$1" ] || ulimit -n "$1"; shift; exec "$@"';

/** A command with a limit of at least `files` file descriptors. */
function commandWithFiles(files: number, command: readonly string[]): Deno.Command {
  return new Deno.Command("sh", {
    args: ["-c", RAISE_FILE_LIMIT, "sh", String(files), ...command],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** Explains why processes cannot have `files` file descriptors; `undefined` if they can. */
export async function checkFileLimit(files: number): Promise<string | undefined> {
  const check = await commandWithFiles(files, ["sh", "-c", "ulimit -n"]).output();
  const had = new TextDecoder().decode(check.stdout).trim();
  if (check.success && (had === "unlimited" || Number(had) >= files)) return undefined;
  return `needs ${files} open files, the limit is ${had || "lower"}: ` +
    `run \`ulimit -n ${files}\` first (as root, or after raising the hard limit)`;
}

/**
 * Starts a server and waits until it prints its address.
 *
 * @throws if it exits or times out.
 */
export async function startServer(
  files: number,
  command: readonly string[],
  signal: AbortSignal,
): Promise<RunningServer> {
  const child = commandWithFiles(files, command).spawn();
  const errors = keepTail(child.stderr);
  const address = Promise.withResolvers<string>();
  const watching = findAddress(child.stdout, address.resolve);
  const timer = setTimeout(() => address.reject(new Error("it printed no address")), START_MS);
  const abort = (): void => address.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const stop = async (): Promise<void> => {
    await end(child);
    await Promise.all([watching, errors.done]);
  };
  try {
    signal.throwIfAborted();
    const ended = child.status.then(({ code }): never => {
      throw new Error(`it ended with ${code}`);
    });
    const url = await Promise.race([address.promise, ended]);
    // From here on, an unexpected exit shows in the figures.
    ended.catch(() => undefined);
    return { url, pid: child.pid, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    if (signal.aborted) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Cannot start ${command[0]}: ${reason} ${errors.text()}`.trim());
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}

/**
 * Runs a program and returns its output.
 *
 * @throws if it fails, takes longer than `timeoutMs`, or `signal` aborts.
 */
export async function runProgram(
  files: number,
  command: readonly string[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted();
  const child = commandWithFiles(files, command).spawn();
  const kill = (): void => signalTo(child, "SIGKILL");
  const timer = setTimeout(kill, timeoutMs);
  signal.addEventListener("abort", kill, { once: true });
  try {
    const { success, stdout, stderr } = await child.output();
    signal.throwIfAborted();
    const decoder = new TextDecoder();
    if (success) return decoder.decode(stdout);
    const said = decoder.decode(stderr).trim().slice(-MAX_ERROR_CHARS);
    throw new Error(said === "" ? `took longer than ${timeoutMs / 1000} s` : said);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", kill);
  }
}

async function end(child: Deno.ChildProcess): Promise<void> {
  signalTo(child, "SIGTERM");
  const timer = setTimeout(() => signalTo(child, "SIGKILL"), STOP_MS);
  await child.status;
  clearTimeout(timer);
}

function signalTo(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch (error) {
    // It has exited already.
    if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Keeps reading to the end, so that the process never blocks on a full pipe. */
async function findAddress(
  stdout: ReadableStream<Uint8Array<ArrayBuffer>>,
  found: (url: string) => void,
): Promise<void> {
  let text: string | undefined = "";
  for await (const part of stdout.pipeThrough(new TextDecoderStream())) {
    if (text === undefined) continue;
    text += part;
    const url = /wss?:\/\/[^\s"'/]+:\d+(?=[\s"'/])/.exec(text)?.[0];
    if (url === undefined) continue;
    found(url);
    text = undefined;
  }
}

function keepTail(
  stderr: ReadableStream<Uint8Array<ArrayBuffer>>,
): { readonly done: Promise<void>; text(): string } {
  let kept = "";
  const read = async (): Promise<void> => {
    for await (const part of stderr.pipeThrough(new TextDecoderStream())) {
      kept = (kept + part).slice(-MAX_ERROR_CHARS);
    }
  };
  return { done: read(), text: () => kept };
}
