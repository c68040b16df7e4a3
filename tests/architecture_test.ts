/** The layout that ARCHITECTURE.md describes: who may import whom, no cycles, no name twice. */
import { assert, assertEquals } from "@std/assert";
import { dirname, join } from "node:path/posix";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/**
 * The folders and files that each folder may import, beside itself, `protocol` and `lib`. The entry
 * of an inner folder, such as `server/encoders`, replaces that of the folder around it. A module at
 * the top (`server.ts`) belongs to the folder of its name.
 */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  protocol: [],
  auth: [],
  broker: [],
  render: [],
  client: [],
  chat: [],
  // To be copied by authors of other clients and hubs.
  conformance: [],
  editor: ["render"],
  terminal: ["editor", "render", "chat", "client"],
  web: ["chat", "client", "server/http/asset_list.ts"],
  server: ["broker", "auth", "chat"],
  "server/encoders": ["chat"],
  cli: ["render"],
  bench: ["broker", "server", "client", "commands", "cli", "render"],
  "bench/load": [],
  commands: [
    "bench/load",
    "terminal",
    "editor",
    "render",
    "chat",
    "client",
    "server",
    "broker",
    "auth",
    "cli",
  ],
  "commands/pipeline": ["terminal", "render", "chat", "client", "cli/errors.ts"],
  main: ["commands", "cli"],
};

/** All sources but tests, by path from the root, with the paths that each imports. */
async function readSources(): Promise<ReadonlyMap<string, { text: string; imports: string[] }>> {
  const found = new Map<string, { text: string; imports: string[] }>();
  for await (const path of walk("", /^(tests|docs|std|dist|node_modules|\..*)$/)) {
    const text = await Deno.readTextFile(join(ROOT, path));
    const imports = [...text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*"(\.[^"]+\.tsx?)"/g)]
      .map(([, target = ""]) => join(dirname(path), target));
    found.set(path, { text, imports });
  }
  return found;
}

/** The TypeScript files below `folder`, by path from the root. */
async function* walk(folder: string, except?: RegExp): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(join(ROOT, folder))) {
    const path = join(folder, name);
    if (!isDirectory && /\.tsx?$/.test(name)) yield path;
    else if (isDirectory && !except?.test(name)) yield* walk(path, except);
  }
}

/** The name of the entry of {@linkcode ARROWS} that decides what `path` may import. */
function entryOf(path: string): string {
  if (!path.includes("/")) return path.replace(/\.ts$/, "");
  const folders = Object.keys(ARROWS).filter((folder) => path.startsWith(`${folder}/`));
  return folders.sort((a, b) => b.length - a.length)[0] ?? "";
}

/** Whether `path` is `allowed`, below it, or the module at the top that stands for it. */
function belongsTo(path: string, allowed: string): boolean {
  return path === allowed || path === `${allowed}.ts` || path.startsWith(`${allowed}/`);
}

const sources = await readSources();

Deno.test("a folder imports only the folders below it", () => {
  const upward: string[] = [];
  for (const [path, { imports }] of sources) {
    const entry = entryOf(path);
    const allowed = ARROWS[entry];
    assert(allowed !== undefined, `${path}: its folder has no entry in the table of arrows`);
    const isAlone = ["lib", "protocol", "conformance"].includes(entry);
    const own = isAlone ? [entry] : [entry, "protocol", "lib"];
    for (const target of imports) {
      if (![...own, ...allowed].some((folder) => belongsTo(target, folder))) {
        upward.push(`${path} imports ${target}`);
      }
    }
  }
  assertEquals(upward, []);
});

Deno.test("no file imports itself through others, types included", () => {
  // Tarjan, "Depth-first search and linear graph algorithms", 1972.
  const cycles: string[][] = [];
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const visit = (path: string): number => {
    const at = index.size;
    index.set(path, at);
    let lowest = at;
    stack.push(path);
    for (const target of sources.get(path)?.imports ?? []) {
      if (!index.has(target)) lowest = Math.min(lowest, visit(target));
      else if (stack.includes(target)) lowest = Math.min(lowest, index.get(target) ?? lowest);
    }
    low.set(path, lowest);
    if (lowest === at) {
      const component = stack.splice(stack.indexOf(path));
      if (component.length > 1) cycles.push(component.sort());
    }
    return lowest;
  };
  for (const path of sources.keys()) if (!index.has(path)) visit(path);
  assertEquals(cycles, []);
});

Deno.test("no two files export a class, interface, enumeration or type of one name", () => {
  const owners = new Map<string, string[]>();
  for (const [path, { text }] of sources) {
    const names = text.matchAll(
      /^export (?:default )?(?:abstract )?(?:class|interface|enum|type) (\w+)/gm,
    );
    for (const [, name = ""] of names) owners.set(name, [...owners.get(name) ?? [], path]);
  }
  assertEquals([...owners].filter(([, paths]) => paths.length > 1), []);
});

Deno.test("the broker's interface knows none of its implementations", () => {
  assertEquals(
    sources.get("broker/broker.ts")?.imports.filter((path) => path.startsWith("broker/sqlite/")),
    [],
  );
});

Deno.test("ARCHITECTURE.md and CONTRIBUTING.md name only files and folders that exist", async () => {
  const files = [...sources.keys()];
  for await (const path of walk("tests")) files.push(path);
  const missing: string[] = [];
  for (const page of ["ARCHITECTURE.md", "CONTRIBUTING.md"]) {
    const text = await Deno.readTextFile(join(ROOT, page));
    for (const [, path = ""] of text.matchAll(/`([\w./-]+(?:\.ts|\/))`/g)) {
      const found = path.endsWith("/")
        ? files.some((file) => `/${file}`.includes(`/${path}`))
        : files.some((file) => `/${file}`.endsWith(`/${path}`));
      if (!found) missing.push(`${page}: ${path}`);
    }
  }
  assertEquals(missing, []);
});
