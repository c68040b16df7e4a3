import { exampleCommand } from "../../cli/help.ts";
import { bcastOnPath } from "./process.ts";

/** Milliseconds after which an example that is still running has failed. */
const EXAMPLE_DEADLINE = 30_000;

export interface ExampleResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface ExampleRun {
  /** The example, as written in the help of a command. */
  readonly line: string;
  /** The working directory, which no other example uses. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Shell scripts that replace programs which may be missing, or would not end. */
  readonly stubs: Readonly<Record<string, string>>;
  /** Once this matches the output or the names of new files, the example is sent SIGTERM. */
  readonly shows?: RegExp;
  /** Commands that run after it in the same shell. */
  readonly then?: string;
}

export function shellOf(line: string): "sh" | "bash" | "fish" {
  if (line.includes("<(")) return "bash";
  return /\| source\b/.test(line) ? "fish" : "sh";
}

/** Runs an example in a real shell, with the program on its path. */
export async function runExample(run: ExampleRun): Promise<ExampleResult> {
  const { folder, env, stubs } = run;
  const path = await bcastOnPath(folder);
  await Promise.all(
    Object.entries(stubs).map(([name, script]) =>
      Deno.writeTextFile(`${folder}/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    ),
  );
  const made = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  const shell = shellOf(run.line);
  const line = exampleCommand(run.line);
  // A single command replaces its shell, so that signals reach it.
  const single = shell === "sh" && !/[|<>&;]/.test(line.replaceAll(/'[^']*'|"[^"]*"/g, ""));
  const flags = shell === "bash" ? ["--norc"] : shell === "fish" ? ["--no-config"] : [];
  const child = new Deno.Command(shell, {
    args: [...flags, "-c", `${single ? "exec " : ""}${line}${run.then ?? ""}`],
    cwd: folder,
    env: { ...env, PATH: path },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const printed = { out: "", err: "" };
  const read = async (
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
    to: "out" | "err",
  ): Promise<void> => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) printed[to] += text;
  };
  const whole = Promise.all([read(child.stdout, "out"), read(child.stderr, "err")]);
  let ended = false;
  const status = child.status.finally(() => ended = true);
  const late = performance.now() + EXAMPLE_DEADLINE;
  while (!ended && run.shows !== undefined) {
    const now = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
    const files = now.filter((name) => !made.includes(name)).join("\n");
    if (run.shows.test(printed.out) || run.shows.test(files)) {
      child.kill("SIGTERM");
      break;
    }
    if (performance.now() > late) child.kill("SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const timer = setTimeout(() => child.kill("SIGKILL"), EXAMPLE_DEADLINE);
  try {
    const { code } = await status;
    await whole;
    return { code, ...printed };
  } finally {
    clearTimeout(timer);
  }
}
