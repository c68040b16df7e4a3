/**
 * The servers to compare: how to install and start them.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { EncoderName } from "./encoders.ts";
import type { ScenarioName } from "./scenarios.ts";

/** The hub comes first. */
export const TARGET_NAMES = ["bcast", "bun", "ws", "socket.io", "websockets", "deno"] as const;

export type TargetName = (typeof TARGET_NAMES)[number];

/** A server that can be started. */
export interface BenchTarget {
  readonly name: TargetName;
  /** Name and version. */
  readonly title: string;
  readonly encoder: EncoderName;
  /** The scenarios that it supports. */
  readonly scenarios: readonly ScenarioName[];
  /** The program and its arguments; `dataDir` is an empty folder for one run. */
  command(dataDir: string): readonly [string, ...string[]];
}

/** A server that cannot run on this machine. */
export interface MissingTarget {
  readonly name: TargetName;
  readonly reason: string;
}

// Exact versions, so that figures of different days can be compared.
const PACKAGES = { bun: "1.4.5", ws: "8.23.0", "socket.io": "4.8.4" } as const;

// As in the tasks of deno.json and in the executable.
const V8_FLAGS = "--v8-flags=--max-semi-space-size=4";

const BROADCAST: readonly ScenarioName[] = ["saturated", "wide", "steady", "idle"];

/** Prepares the servers, installing packages from npm. */
export async function prepareTargets(
  wanted: readonly TargetName[],
  cacheDir: string,
  say: (text: string) => void,
): Promise<
  { readonly targets: readonly BenchTarget[]; readonly missing: readonly MissingTarget[] }
> {
  const targets: BenchTarget[] = [];
  const missing: MissingTarget[] = [];
  for (const name of wanted) {
    try {
      targets.push(await PREPARE[name](cacheDir, say));
    } catch (error) {
      // The others are still compared; the results list this one as missing.
      missing.push({ name, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { targets, missing };
}

type Prepare = (cacheDir: string, say: (text: string) => void) => Promise<BenchTarget>;

const PREPARE: { readonly [P in TargetName]: Prepare } = {
  bcast: async () => {
    const root = fileURLToPath(new URL("../", import.meta.url));
    const main = join(root, "main.ts");
    await Deno.stat(main);
    const run = ["run", "--quiet", V8_FLAGS, "-A", "--config", join(root, "deno.json"), main];
    const version = await output(Deno.execPath(), [...run, "version"]);
    return {
      name: "bcast",
      title: firstLine(version).replace(/ \(.*/, ""),
      encoder: "bcast",
      scenarios: [...BROADCAST, "herd", "durable", "mixed"],
      // The defaults (history on disk), but without the limits that would reject a load: the rate
      // of a person who types, and the number of connections.
      command: (dataDir) => [
        Deno.execPath(),
        ...run,
        ...["start", "--port", "0", "--data", dataDir],
        ...["--rate", "0", "--max-connections", "20000"],
      ],
    };
  },
  bun: async (cacheDir, say) => {
    const dir = await install("bun", cacheDir, say);
    const program = await bunProgram(dir);
    const version = await output(program, ["--version"]);
    return {
      name: "bun",
      title: `Bun ${firstLine(version)} publish`,
      encoder: "plain",
      scenarios: BROADCAST,
      command: () => [program, targetFile("bun.ts")],
    };
  },
  ws: async (cacheDir, say) => {
    const dir = await install("ws", cacheDir, say);
    const node = firstLine(await output("node", ["--version"]));
    return {
      name: "ws",
      title: `ws ${PACKAGES.ws} on Node ${node}`,
      encoder: "plain",
      scenarios: BROADCAST,
      command: () => ["node", targetFile("node_ws.mjs"), dir],
    };
  },
  "socket.io": async (cacheDir, say) => {
    const dir = await install("socket.io", cacheDir, say);
    const node = firstLine(await output("node", ["--version"]));
    return {
      name: "socket.io",
      title: `Socket.IO ${PACKAGES["socket.io"]} with recovery on Node ${node}`,
      encoder: "socket.io",
      scenarios: [...BROADCAST, "herd"],
      command: () => ["node", targetFile("socket_io.mjs"), dir],
    };
  },
  websockets: async () => {
    const [python, version] = await findPython();
    return {
      name: "websockets",
      title: `websockets ${version} on Python`,
      encoder: "plain",
      scenarios: BROADCAST,
      command: () => [python, targetFile("python_websockets.py")],
    };
  },
  deno: () =>
    Promise.resolve({
      name: "deno",
      title: `Deno ${Deno.version.deno}, bare sockets`,
      encoder: "plain",
      // Not a realistic choice: it shows the cost of the runtime alone.
      scenarios: BROADCAST,
      command: () => [
        Deno.execPath(),
        "run",
        "--quiet",
        "--no-config",
        "--allow-net",
        targetFile("deno_bare.ts"),
      ],
    }),
};

/** Installs a package into the cache if it is missing; returns a folder to require from. */
async function install(
  name: keyof typeof PACKAGES,
  cacheDir: string,
  say: (text: string) => void,
): Promise<string> {
  const version = PACKAGES[name];
  const dir = join(cacheDir, `${name}-${version}`);
  const marker = join(dir, "installed");
  if (!await exists(marker)) {
    say(`installing ${name} ${version} from npm`);
    await Deno.mkdir(dir, { recursive: true });
    // Install scripts are not needed: Bun's binaries are packages of their own.
    const flags = ["--no-audit", "--no-fund", "--no-save", "--ignore-scripts"];
    await output("npm", ["install", "--prefix", dir, ...flags, `${name}@${version}`]);
    await Deno.writeTextFile(marker, "");
  }
  // `createRequire` takes a folder when it ends with a separator.
  return dir + "/";
}

/** The executable in npm's package for this platform. */
async function bunProgram(dir: string): Promise<string> {
  const vendor = join(dir, "node_modules", "@oven");
  for await (const { name } of Deno.readDir(vendor)) {
    const program = join(vendor, name, "bin", "bun");
    if (await exists(program)) return program;
  }
  throw new Error("npm has no Bun for this platform");
}

async function findPython(): Promise<readonly [string, string]> {
  const probe = "import websockets; print(websockets.__version__)";
  for (const python of ["python3", "/usr/bin/python3"]) {
    const command = new Deno.Command(python, { args: ["-c", probe], stderr: "null" });
    const version = await command.output().then(
      (result) => result.success ? firstLine(new TextDecoder().decode(result.stdout)) : "",
      (error: unknown) => {
        if (error instanceof Deno.errors.NotFound) return "";
        throw error;
      },
    );
    if (version !== "") return [python, version];
  }
  throw new Error("found no Python with the package websockets");
}

function targetFile(name: string): string {
  return fileURLToPath(new URL(`./targets/${name}`, import.meta.url));
}

async function output(program: string, args: readonly string[]): Promise<string> {
  const result = await new Deno.Command(program, { args: [...args] }).output();
  const decoder = new TextDecoder();
  if (!result.success) {
    throw new Error(`${program} failed: ${decoder.decode(result.stderr).trim().slice(-500)}`);
  }
  return decoder.decode(result.stdout);
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function firstLine(text: string): string {
  return (text.split("\n")[0] ?? "").trim();
}
