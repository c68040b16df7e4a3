import { exampleCommand } from "../../cli/help.ts";
import { programCommand } from "./process.ts";

/** Milliseconds after which an example that neither ends nor shows anything has failed. */
const PATIENCE = 30_000;

/** What an example did. */
export interface ExampleResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** How to run an example. */
export interface ExampleRun {
  /** The example, as a command has it. */
  readonly line: string;
  /** A folder of its own, where it runs. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Names of programs that may be missing here, or would not end, with what is run in their place. */
  readonly stubs: Readonly<Record<string, string>>;
  /** What shows that it runs, in what it prints or in the files it makes; it is then told to end. */
  readonly shows?: RegExp;
  /** Commands that look at what it did to its shell. */
  readonly then?: string;
}

/** The shell that an example is for. */
export function shellOf(line: string): "sh" | "bash" | "fish" {
  if (line.includes("<(")) return "bash";
  return /\| source\b/.test(line) ? "fish" : "sh";
}

/** Runs an example in a real shell, with the program on its path. */
export async function runExample(run: ExampleRun): Promise<ExampleResult> {
  const { folder, env, stubs } = run;
  const program = programCommand().map((word) => `'${word}'`).join(" ");
  const scripts = { ...stubs, bcast: `exec ${program} "$@"` };
  await Promise.all(
    Object.entries(scripts).map(([name, script]) =>
      Deno.writeTextFile(`${folder}/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    ),
  );
  const made = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  const shell = shellOf(run.line);
  const line = exampleCommand(run.line);
  // One command alone takes the place of its shell: a signal is for it.
  const alone = shell === "sh" && !/[|<>&;]/.test(line.replaceAll(/'[^']*'|"[^"]*"/g, ""));
  const flags = shell === "bash" ? ["--norc"] : shell === "fish" ? ["--no-config"] : [];
  const child = new Deno.Command(shell, {
    args: [...flags, "-c", `${alone ? "exec " : ""}${line}${run.then ?? ""}`],
    cwd: folder,
    env: { ...env, PATH: `${folder}:${Deno.env.get("PATH")}` },
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
  const late = performance.now() + PATIENCE;
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
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
  try {
    const { code } = await status;
    await whole;
    return { code, ...printed };
  } finally {
    clearTimeout(timer);
  }
}
